"""Greedy decoding: the likeliest word at each step."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.decoding.rollout import roll_out
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.predictor import WordPredictor


def greedy(
    predictor: WordPredictor,
    rows: Sequence[int] | np.ndarray,
    max_length: int,
) -> list[Caption]:
    """One caption per image of `rows`: the likeliest word at each step, the first one in a tie."""

    def choose(following: NextWords, live: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        words, scores = following.top(1)
        return words[:, 0], scores[:, 0]

    return roll_out(predictor, rows, max_length, choose)
