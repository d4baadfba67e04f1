"""Captions as LRCN's streams, and the vocabulary of the moving digits."""

import pytest

from caffe_lite.datasets.captions import STEPS, UNKNOWN, VOCABULARY, streams, word_ids
from caffe_lite.errors import DataError


def test_layout():
    sentences = [[5, 6, 7], [9], [2] * (STEPS - 1), [1, 2]]
    made = streams(sentences, 2)
    for n, words in enumerate(sentences):
        batch, column = divmod(n, 2)
        mine = slice(batch * STEPS, (batch + 1) * STEPS)
        after = STEPS - len(words) - 1
        inputs, targets, cont = (
            made[f"{name}_sentence"][mine, column].tolist() for name in ("input", "target", "cont")
        )
        assert inputs == [0, *words] + [0] * after
        assert targets == [*words, 0] + [-1] * after
        assert cont == [0] + [1] * len(words) + [0] * after
    assert all(array.shape == (2 * STEPS, 2) for array in made.values())
    with pytest.raises(DataError, match="8 words needs 9 steps, not 8"):
        streams([[1] * STEPS], 1)


def test_vocabulary():
    assert len(set(VOCABULARY)) == len(VOCABULARY) and VOCABULARY[0] == UNKNOWN
    longest = word_ids("an eight turns counterclockwise beside an eight")
    assert len(longest) == STEPS - 1 and min(longest) > 1
    assert word_ids("a cat") == [2, 1]
