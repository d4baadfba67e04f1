"""Captions of the moving digits, and captions as the streams that LRCN's language nets read.

The conventions are those of LRCN's COCO files: word 0 begins and ends every sentence and is not
in the vocabulary file, whose line i (from 1) is word i; `<unk>` is its first line.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.data.motions import MOTIONS, RELATIONS, Paths
from caffe_lite.errors import DataError

UNKNOWN = "<unk>"
END = 0
IGNORED = -1  # the target after a sentence's end: `ignore_label` of the loss
STEPS = 8  # the longest caption and its end
_DIGITS = (
    "a zero",
    "a one",
    "a two",
    "a three",
    "a four",
    "a five",
    "a six",
    "a seven",
    "an eight",
    "a nine",
)


def _words(phrases: Iterable[str]) -> Iterable[str]:
    return (word for phrase in phrases for word in phrase.split())


VOCABULARY = tuple(dict.fromkeys((UNKNOWN, *_words(_DIGITS), *_words(MOTIONS), *RELATIONS)))


def describe(paths: Paths, digits: np.ndarray) -> list[str]:
    """One caption per clip; `digits` (n, 2) are the labels of the scans shown."""
    captions = []
    rows = zip(digits.tolist(), paths.label, paths.count, paths.relation, strict=True)
    for (first, second), label, count, relation in rows:
        caption = f"{_DIGITS[first]} {MOTIONS[label]}"
        if count == 2:
            caption += f" {RELATIONS[relation]} {_DIGITS[second]}"
        captions.append(caption)
    return captions


def word_ids(caption: str, vocabulary: Sequence[str] = VOCABULARY) -> list[int]:
    """The ids of a caption's words; words outside the vocabulary become `<unk>`."""
    ids = {word: index for index, word in enumerate(vocabulary, 1)}
    return [ids.get(word, ids[UNKNOWN]) for word in caption.split()]


def streams(sentences: Sequence[Sequence[int]], steps: int = STEPS) -> dict[str, np.ndarray]:
    """The arrays that HDF5Data feeds to a captioner, (steps, number of sentences) each.

    Column n holds sentence n: `input_sentence` is 0, w1, w2, ..., `target_sentence` w1, w2, ...,
    0, and `cont_sentence` 0 where a sentence begins, else 1. After the end they hold 0, -1, 0.
    """
    shape = (steps, len(sentences))
    inputs = np.zeros(shape, np.float32)
    targets = np.full(shape, IGNORED, np.float32)
    cont = np.zeros(shape, np.float32)
    for column, words in enumerate(sentences):
        length = len(words)
        if length >= steps:
            raise DataError(f"a caption of {length} words needs {length + 1} steps, not {steps}")
        inputs[1 : length + 1, column] = words
        targets[:length, column] = words
        targets[length, column] = END
        cont[1 : length + 1, column] = 1
    return {"cont_sentence": cont, "input_sentence": inputs, "target_sentence": targets}
