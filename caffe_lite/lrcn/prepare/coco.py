"""Caption files in the form of COCO's, and the vocabulary that they make."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.lrcn.vocabulary import UNKNOWN, Vocabulary, split_sentence

StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Captioned:
    """An image's path, and its captions as lists of words."""

    path: str
    sentences: list[list[str]]


def read_captions(annotations: StrPath, image_folder: StrPath,
                  ids: StrPath | None = None) -> list[Captioned]:
    """Read a COCO caption file: `images` (id, file_name), `annotations` (image_id, caption).

    The images come in the order of `ids`, a file of one image id a line, else in that of the file.
    Captions without a word are left out. A `DataError` tells what the file lacks.
    """
    name = os.fspath(annotations)
    content = _load(name)
    try:
        files = {each["id"]: each["file_name"] for each in content["images"]}
        sentences: dict[Any, list[list[str]]] = {key: [] for key in files}
        for each in content["annotations"]:
            if each["image_id"] not in sentences:
                raise DataError(f"{name}: a caption is of image {each['image_id']}, which is not "
                                "among its images")
            words = split_sentence(each["caption"])
            if words:
                sentences[each["image_id"]].append(words)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{name}: not a caption file in COCO's form: {type(error).__name__} {error}"
                        "; it needs images (id, file_name) and annotations (image_id, caption)"
                        ) from None
    wanted = list(files) if ids is None else _read_ids(os.fspath(ids), files, name)
    return [Captioned(os.path.join(image_folder, files[key]), sentences[key]) for key in wanted]


def _load(name: str) -> Any:
    try:
        with open(name, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise DataError(f"{name}: the captions cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{name}: not a JSON file: {error}") from None


def _read_ids(path: str, known: dict[Any, str], annotations: str) -> list[Any]:
    by_text = {str(key): key for key in known}
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip()]
    except OSError as error:
        raise DataError(f"{path}: the image ids cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if line not in by_text:
            raise DataError(f"{path}:{number}: {annotations} has no image {line}")
    return [by_text[line] for line in lines]


def make_vocabulary(images: Iterable[Captioned], min_count: int = 5) -> Vocabulary:
    """The words that occur `min_count` times or more, the commonest first, behind `<unk>`."""
    counts = Counter(word for image in images for sentence in image.sentences for word in sentence)
    kept = [word for word, count in counts.items() if count >= min_count]
    return Vocabulary([UNKNOWN, *sorted(kept, key=lambda word: (-counts[word], word))])


def pairs(images: Sequence[Captioned]) -> list[tuple[str, list[str]]]:
    """Every caption with its image's path."""
    return [(image.path, sentence) for image in images for sentence in image.sentences]
