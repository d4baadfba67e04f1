"""Sampling: words drawn at random."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.decoding.rollout import roll_out
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.predictor import WordPredictor


def sample(
    predictor: WordPredictor,
    rows: Sequence[int] | np.ndarray,
    max_length: int,
    temperature: float,
    uniform: np.ndarray,
) -> list[Caption]:
    """One caption per image of `rows`, with words drawn with p(word)^(1 / temperature).

    A temperature below 1 sharpens the distribution, above 1 it flattens it; the "temp" of LRCN's
    captioner is 1 / temperature. `uniform` (sentences, max_length) holds the random numbers in
    [0, 1) that decide the draws. Log-probabilities are those of the net, at temperature 1.
    """

    def choose(following: NextWords, live: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        scores = following.all()
        weights = scores.astype(np.float64)
        weights -= weights.max(axis=1, keepdims=True)
        with np.errstate(over="ignore", under="ignore"):  # extremely unlikely words get 0
            weights /= temperature
            np.exp(weights, out=weights)
        sums = weights.cumsum(axis=1)
        words = (sums <= uniform[live, step, None] * sums[:, -1:]).sum(axis=1)
        words = np.minimum(words, weights.shape[1] - 1)  # the product may round up to the last sum
        return words, scores[np.arange(len(words)), words]

    return roll_out(predictor, rows, max_length, choose)
