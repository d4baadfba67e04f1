"""What a decoder needs of the next word's softmax, from the scores that go into it."""

from typing import Any

import numpy as np

from caffe_lite.errors import ModelError

Array = Any


class NextWords:
    """Log-probabilities of the next word of each stream: log softmax of `scores` (streams, words).

    Computed from the scores, so that neither the probabilities of the whole vocabulary nor their
    logarithms are written. `scores` is only read, and only until the net's next forward. Methods
    raise ModelError, naming `source`, for scores that are NaN or infinite.
    """

    def __init__(self, ops: Any, scores: Array, source: str) -> None:
        self.ops, self.scores, self.source = ops, scores, source

    def top(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` likeliest words of each stream, or all if there are fewer.

        Returns ids and log-probabilities (streams, count), the likeliest first; of equally likely
        words the one with the lower id is first.
        """
        count = min(count, self.scores.shape[1])
        ids, best, log_sum = self._top_in_c(count) or self._top(count)
        return ids, self._checked(best - log_sum[:, None])

    def of(self, words: np.ndarray, streams: np.ndarray | None = None) -> np.ndarray:
        """The log-probability of `words[i]` in stream `streams[i]`, by default in stream i."""
        log_sum = (self._top_in_c(1) or self._top(1))[2]
        rows = np.arange(len(words)) if streams is None else streams
        at = [self.ops.asarray(each, dtype="int32") for each in (rows, words)]
        chosen = np.asarray(self.ops.to_host(self.scores[tuple(at)]))
        return self._checked(chosen - log_sum[rows])

    def all(self) -> np.ndarray:
        """The log-probabilities of all words, (streams, words)."""
        log_sum = (self._top_in_c(1) or self._top(1))[2]
        self._checked(log_sum)
        return np.asarray(self.ops.to_host(self.scores)) - log_sum[:, None]

    def _top_in_c(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Ids, scores and the logarithm of the sum, by the CPU backend's native code, if any."""
        library, scores = getattr(self.ops, "library", None), self.scores
        if library is None or not scores.flags.c_contiguous or scores.dtype != self.ops.dtype:
            return None
        rows, width = scores.shape
        ids = np.empty((rows, count), np.int32)
        best, log_sum = np.empty((rows, count), scores.dtype), np.empty(rows, scores.dtype)
        at = [each.ctypes.data for each in (scores, ids, best, log_sum)]
        library.without_gil.top_words(rows, width, at[0], count, *at[1:])
        return ids, best, log_sum

    def _top(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same on any device: the largest, then the largest of the others, and so on."""
        xp, left = self.ops.xp, self.scores.copy()
        rows = xp.arange(len(left))
        ids, best = [], []
        for _ in range(count):
            ids.append(left.argmax(axis=1))
            best.append(left[rows, ids[-1]])
            left[rows, ids[-1]] = -np.inf
        with np.errstate(invalid="ignore"):  # reported by the caller
            log_sum = xp.log(xp.exp(self.scores - best[0][:, None]).sum(axis=1)) + best[0]
        found = (xp.stack(ids, axis=1), xp.stack(best, axis=1), log_sum)
        host_ids, host_best, host_sum = (np.asarray(self.ops.to_host(each)) for each in found)
        return host_ids, host_best, host_sum

    def _checked(self, values: np.ndarray) -> np.ndarray:
        if np.isnan(values).any():
            raise ModelError(f"{self.source} holds NaN; its weights or the images are not finite")
        return values
