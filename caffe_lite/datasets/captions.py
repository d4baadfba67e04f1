"""Captions of the moving digits, and captions as the streams that LRCN's language nets read.

The conventions are those of LRCN's COCO files: word 0 begins and ends every sentence and is not
in the vocabulary file, whose line i (from 1) is word i; `<unk>` is its first line.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.data.caption_streams import END, Streams, aligned
from caffe_lite.datasets.motions import MOTIONS, RELATIONS, Paths
from caffe_lite.errors import DataError

UNKNOWN = "<unk>"
STEPS = 8  # of the longest caption, its end included
DIGIT_NAMES = (
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


VOCABULARY = tuple(dict.fromkeys((UNKNOWN, *_words(DIGIT_NAMES), *_words(MOTIONS), *RELATIONS)))


def describe(paths: Paths, digits: np.ndarray) -> list[str]:
    """One caption per clip; `digits` (n, 2) are the labels of the scans shown."""
    captions = []
    rows = zip(digits.tolist(), paths.label, paths.count, paths.relation, strict=True)
    for (first, second), label, count, relation in rows:
        caption = f"{DIGIT_NAMES[first]} {MOTIONS[label]}"
        if count == 2:
            caption += f" {RELATIONS[relation]} {DIGIT_NAMES[second]}"
        captions.append(caption)
    return captions


def word_ids(caption: str, vocabulary: Sequence[str] = VOCABULARY) -> list[int]:
    """The ids of a caption's words; words outside the vocabulary become `<unk>`."""
    ids = {word: index for index, word in enumerate(vocabulary, 1)}
    return [ids.get(word, ids[UNKNOWN]) for word in caption.split()]


def streams(sentences: Sequence[Sequence[int]], together: int) -> Streams:
    """The arrays (STEPS * n / together, together) that HDF5Data feeds to a captioner.

    A batch of STEPS rows holds `together` sentences side by side, see `caption_streams`; n must be
    a multiple of it. After a sentence's end `input_sentence` is 0, a valid index for Embed.
    """
    for words in sentences:
        if len(words) >= STEPS:
            raise DataError(
                f"a caption of {len(words)} words needs {len(words) + 1} steps, not {STEPS}"
            )
    return aligned(sentences, together, STEPS, padding=END)
