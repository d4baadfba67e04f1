"""Captioned images from a COCO file, and a vocabulary made from their captions."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caffe_lite.lrcn.coco import read_annotations, read_image_ids
from caffe_lite.lrcn.vocabulary import UNKNOWN, Vocabulary, split_sentence
from caffe_lite.proto.files import StrPath


@dataclass(frozen=True)
class Captioned:
    """The path of an image, and its captions as lists of words."""

    path: str
    sentences: list[list[str]]


def read_captions(
    annotations: StrPath,
    image_folder: StrPath,
    ids: StrPath | None = None,
    split: str | None = None,
) -> list[Captioned]:
    """Read a caption file in COCO's form, or the images of `split` in Karpathy's.

    The images come in the order of `ids`, a file of one image id per line, else in that of the
    annotations. Captions without words are left out. Raises DataError for malformed files.
    """
    content = read_annotations(annotations, split)
    files = content.files
    wanted = list(files) if ids is None else read_image_ids(ids, content, annotations)
    return [
        Captioned(
            os.path.join(image_folder, files[key]),
            [words for words in map(split_sentence, content.captions[key]) if words],
        )
        for key in wanted
    ]


def make_vocabulary(images: Iterable[Captioned], min_count: int = 5) -> Vocabulary:
    """`<unk>`, then the words that occur at least `min_count` times, the most frequent first."""
    counts = Counter(word for image in images for sentence in image.sentences for word in sentence)
    kept = [word for word, count in counts.items() if count >= min_count]
    return Vocabulary([UNKNOWN, *sorted(kept, key=lambda word: (-counts[word], word))])


def pairs(images: Sequence[Captioned]) -> list[tuple[str, list[str]]]:
    """(image path, words) of every caption."""
    return [(image.path, sentence) for image in images for sentence in image.sentences]
