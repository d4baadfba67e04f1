"""Caption files in COCO's JSON format: references of images, and results to score."""

import json
import os
from dataclasses import dataclass
from typing import Any

from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError
from caffe_lite.proto.files import StrPath, read_input
from caffe_lite.proto.foreign import foreign

ImageId = int | str


@dataclass(frozen=True)
class Annotations:
    """`files`: the file name of each image id; `captions`: its captions, in the file's order."""

    files: dict[ImageId, str]
    captions: dict[ImageId, list[str]]


def read_annotations(path: StrPath) -> Annotations:
    """Read {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}.

    Images without captions are kept. Raises DataError, naming the entry, for an image listed
    twice, a caption of an image that is not listed, and an entry that lacks a field.
    """
    content = _load(path)
    name = os.fspath(path)
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in ("images", "annotations")
    ):
        raise DataError(
            f"{name}: not a caption file in COCO's form: an object with lists "
            '"images" and "annotations" is expected'
        )
    files: dict[ImageId, str] = {}
    for i, entry in enumerate(content["images"]):
        place = f"{name}: images[{i}]"
        image = _id(entry, "id", place)
        if image in files:
            raise DataError(f"{place}: image {image!r} is listed already; list each image once")
        files[image] = _file_name(entry, place)
    captions: dict[ImageId, list[str]] = {image: [] for image in files}
    for i, entry in enumerate(content["annotations"]):
        place = f"{name}: annotations[{i}]"
        image = _id(entry, "image_id", place)
        if image not in captions:
            raise DataError(f"{place}: image {image!r} is not among its images")
        captions[image].append(_caption(entry, place))
    return Annotations(files, captions)


def read_image_ids(path: StrPath, annotations: Annotations, source: StrPath) -> list[ImageId]:
    """Read a list of images, one id or file name per line, as ids of `annotations`.

    `source` is the annotation file, for errors. Raises DataError for an image that is not in it or
    is listed twice.
    """
    name = os.fspath(path)
    known = {file: key for key, file in annotations.files.items()}
    known |= {str(key): key for key in annotations.files}
    found: dict[ImageId, int] = {}
    for number, line in read_lines(path, "image ids"):
        if line not in known:
            raise DataError(f"{name}:{number}: {os.fspath(source)} has no image {line}")
        first = found.setdefault(known[line], number)
        if first != number:
            raise DataError(f"{name}:{number}: image {line} is listed already, in line {first}")
    return list(found)


def read_results(path: StrPath) -> dict[ImageId, str]:
    """Read [{"image_id", "caption"}], one caption per image; further fields are ignored."""
    content = _load(path)
    name = os.fspath(path)
    if not isinstance(content, list):
        raise DataError(
            f"{name}: not results in COCO's form: a list of objects with image_id and "
            "caption is expected"
        )
    results: dict[ImageId, str] = {}
    for i, result in enumerate(content):
        image = _id(result, "image_id", f"{name}: [{i}]")
        if image in results:
            raise DataError(
                f"{name}: [{i}]: image {image!r} has a caption already; give one per image"
            )
        results[image] = _caption(result, f"{name}: [{i}]")
    return results


def _load(path: StrPath) -> Any:
    name = os.fspath(path)
    content = read_input(path, lambda reason: DataError(f"{name}: {reason}"))
    with foreign(lambda reason: DataError(f"{name}: not a JSON file: {reason}")):
        return json.loads(content.decode("utf-8-sig"))


def _field(entry: Any, field: str, kinds: tuple[type, ...], place: str) -> Any:
    value = entry.get(field) if isinstance(entry, dict) else None
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = "text" if kinds == (str,) else "a number or text"
        raise DataError(f'{place}: "{field}" must be {wanted}, got {json.dumps(value)}')
    return value


def _id(entry: Any, field: str, place: str) -> ImageId:
    return _field(entry, field, (int, str), place)


def _file_name(entry: Any, place: str) -> str:
    return _field(entry, "file_name", (str,), place)


def _caption(entry: Any, place: str) -> str:
    caption: str = _field(entry, "caption", (str,), place)
    # JSON can hold a lone surrogate, which no text file can.
    return caption.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
