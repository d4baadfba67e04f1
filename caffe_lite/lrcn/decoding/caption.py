"""Caption: word ids with their log-probabilities."""

from dataclasses import dataclass
from math import fsum

from caffe_lite.lrcn.vocabulary import END


@dataclass(frozen=True)
class Caption:
    """Word ids, 0 (<EOS>) last if the sentence ends, and the log-probability of each."""

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]

    @property
    def log_prob(self) -> float:
        """The log-probability of the whole."""
        return fsum(self.log_probs)

    @property
    def log_prob_per_word(self) -> float:
        """The same divided by the number of ids, <EOS> among them."""
        return self.log_prob / max(len(self.ids), 1)

    @property
    def is_complete(self) -> bool:
        """Whether the sentence ends, rather than was cut at the greatest length."""
        return self.ids[-1:] == (END,)
