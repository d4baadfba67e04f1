"""Words drawn at random."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.decoding.rollout import roll_out
from caffe_lite.lrcn.predictor import WordPredictor


def sample(
    predictor: WordPredictor,
    rows: Sequence[int] | np.ndarray,
    max_length: int,
    temperature: float,
    uniform: np.ndarray,
) -> list[Caption]:
    """A caption about each image of `rows`, its words drawn with p(word)^(1 / temperature).

    Below 1 the temperature favours likely words, above 1 it evens them out. `uniform` (sentences,
    max_length) in [0, 1) decides each draw. The captions' log-probabilities are the net's own, at
    temperature 1. (LRCN's own script multiplies by its "temp" where this divides.)
    """

    def choose(scores: np.ndarray, live: np.ndarray, step: int) -> np.ndarray:
        weights = scores.astype(np.float64)
        weights -= weights.max(axis=1, keepdims=True)
        with np.errstate(over="ignore", under="ignore"):  # a word next to impossible gets 0
            weights /= temperature
            np.exp(weights, out=weights)
        sums = weights.cumsum(axis=1)
        words = (sums <= uniform[live, step, None] * sums[:, -1:]).sum(axis=1)
        return np.minimum(words, weights.shape[1] - 1)  # a product may round up to the last sum

    return roll_out(predictor, rows, max_length, choose)
