"""Caption: word ids with their log-probabilities."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from caffe_lite.lrcn.vocabulary import END


@dataclass(frozen=True)
class Caption:
    """Word ids and the log-probability of each; a complete sentence ends with 0 (<EOS>)."""

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]

    @property
    def log_prob(self) -> float:
        """The log-probability of the whole caption."""
        return fsum(self.log_probs)

    @property
    def log_prob_per_word(self) -> float:
        """`log_prob` divided by the number of ids, <EOS> included."""
        return self.log_prob / max(len(self.ids), 1)

    @property
    def is_complete(self) -> bool:
        """Whether the sentence ends with <EOS>; False if it was cut at the maximum length."""
        return self.ids[-1:] == (END,)


def best_first(captions: Iterable[Caption], per_word: bool = False) -> list[Caption]:
    """Sort by falling log-probability, in total or `per_word`; ties keep their order."""
    return sorted(
        captions, key=lambda each: -(each.log_prob_per_word if per_word else each.log_prob)
    )
