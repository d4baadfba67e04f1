"""Caption files in the form of COCO's, and the vocabulary that they make."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError
from caffe_lite.lrcn.coco import ImageId, read_annotations
from caffe_lite.lrcn.vocabulary import UNKNOWN, Vocabulary, split_sentence
from caffe_lite.proto.files import StrPath


@dataclass(frozen=True)
class Captioned:
    """An image's path, and its captions as lists of words."""

    path: str
    sentences: list[list[str]]


def read_captions(
    annotations: StrPath, image_folder: StrPath, ids: StrPath | None = None
) -> list[Captioned]:
    """Read a COCO caption file: `images` (id, file_name), `annotations` (image_id, caption).

    The images come in the order of `ids`, a file of one image id a line, else in that of the file.
    Captions without a word are left out. A `DataError` tells what the file lacks.
    """
    content = read_annotations(annotations)
    files = content.files
    wanted = (
        list(files) if ids is None else _read_ids(os.fspath(ids), files, os.fspath(annotations))
    )
    return [
        Captioned(
            os.path.join(image_folder, files[key]),
            [words for words in map(split_sentence, content.captions[key]) if words],
        )
        for key in wanted
    ]


def _read_ids(path: str, known: dict[ImageId, str], annotations: str) -> list[ImageId]:
    by_text = {str(key): key for key in known}
    lines = read_lines(path, "image ids")
    for number, line in lines:
        if line not in by_text:
            raise DataError(f"{path}:{number}: {annotations} has no image {line}")
    return [by_text[line] for _, line in lines]


def make_vocabulary(images: Iterable[Captioned], min_count: int = 5) -> Vocabulary:
    """The words that occur `min_count` times or more, the commonest first, behind `<unk>`."""
    counts = Counter(word for image in images for sentence in image.sentences for word in sentence)
    kept = [word for word, count in counts.items() if count >= min_count]
    return Vocabulary([UNKNOWN, *sorted(kept, key=lambda word: (-counts[word], word))])


def pairs(images: Sequence[Captioned]) -> list[tuple[str, list[str]]]:
    """Every caption with its image's path."""
    return [(image.path, sentence) for image in images for sentence in image.sentences]
