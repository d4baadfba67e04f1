"""Captions as LRCN's streams, and the vocabulary of the moving digits."""

import numpy as np
import pytest

from caffe_lite.data.captions import STEPS, UNKNOWN, VOCABULARY, streams, word_ids
from caffe_lite.errors import DataError


def test_layout():
    made = streams([[5, 6, 7], [9]], steps=5)
    np.testing.assert_array_equal(made["input_sentence"].T, [[0, 5, 6, 7, 0], [0, 9, 0, 0, 0]])
    np.testing.assert_array_equal(made["target_sentence"].T, [[5, 6, 7, 0, -1], [9, 0, -1, -1, -1]])
    np.testing.assert_array_equal(made["cont_sentence"].T, [[0, 1, 1, 1, 0], [0, 1, 0, 0, 0]])
    with pytest.raises(DataError, match="4 words needs 5 steps, not 4"):
        streams([[1, 2, 3, 4]], steps=4)


def test_vocabulary():
    assert len(set(VOCABULARY)) == len(VOCABULARY) and VOCABULARY[0] == UNKNOWN
    longest = word_ids("an eight turns counterclockwise beside an eight")
    assert len(longest) == STEPS - 1 and min(longest) > 1
    assert word_ids("a cat") == [2, 1]
