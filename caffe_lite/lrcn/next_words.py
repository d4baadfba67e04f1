"""What a decoder needs of the next word's softmax, from the scores that go into it."""

import numpy as np

from caffe_lite.backend.reference.ops import Ops
from caffe_lite.errors import ModelError
from caffe_lite.types import Array


class NextWords:
    """Log-probabilities of the next word of each stream: log softmax of `scores` (streams, words).

    Computed from the scores, so that neither the probabilities of the whole vocabulary nor their
    logarithms are written. `scores` is only read, and only until the net's next forward. Methods
    raise ModelError, naming `source`, for scores that are NaN or infinite.
    """

    def __init__(self, ops: Ops, scores: Array, source: str) -> None:
        self.ops, self.scores, self.source = ops, scores, source

    def top(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` likeliest words of each stream, or all if there are fewer.

        Returns ids and log-probabilities (streams, count), the likeliest first; of equally likely
        words the one with the lower id is first.
        """
        count = min(count, self.scores.shape[1])
        ids, best, log_sum = self._top(count)
        return ids, self._checked(best - log_sum[:, None])

    def of(self, words: np.ndarray, streams: np.ndarray | None = None) -> np.ndarray:
        """The log-probability of `words[i]` in stream `streams[i]`, by default in stream i."""
        log_sum = self._top(1)[2]
        rows = np.arange(len(words)) if streams is None else streams
        at = [self.ops.asarray(each, dtype="int32") for each in (rows, words)]
        chosen = np.asarray(self.ops.to_host(self.scores[tuple(at)]))
        return self._checked(chosen - log_sum[rows])

    def all(self) -> np.ndarray:
        """The log-probabilities of all words, (streams, words)."""
        log_sum = self._top(1)[2]
        self._checked(log_sum)
        return np.asarray(self.ops.to_host(self.scores)) - log_sum[:, None]

    def _top(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words, scores and the logarithm of the sum of exponentials, on the host."""
        words, best, log_sum = self.ops.top_scores(self.scores, count)
        return self.ops.to_host(words), self.ops.to_host(best), self.ops.to_host(log_sum)

    def _checked(self, values: np.ndarray) -> np.ndarray:
        if np.isnan(values).any():
            raise ModelError(f"{self.source} holds NaN; its weights or the images are not finite")
        return values
