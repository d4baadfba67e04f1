"""Caption files in JSON, COCO's or Karpathy's: references of images, and results to score."""

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


def read_annotations(path: StrPath, split: str | None = None) -> Annotations:
    """Read {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}.

    Karpathy's files (dataset_coco.json, dataset_flickr30k.json) are read as well: {"images":
    [{"filename", "split", "sentences": [{"raw"}]}]}, with "cocoid" or "imgid" as the id, and
    "filepath" the folder of the image, if given. `split` names the images to read there, such as
    "test" or "train+restval"; by default all are. In COCO's files it is ignored.

    Images without captions are kept. Raises DataError, naming the entry, for an image listed
    twice, a caption of an image that is not listed, and an entry that lacks a field.
    """
    content = _load(path)
    name = os.fspath(path)
    if _is_karpathys(content):
        return _read_karpathys(content["images"], split, name)
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


def _is_karpathys(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and "annotations" not in content
        and isinstance(content.get("images"), list)
        and any(isinstance(each, dict) and "sentences" in each for each in content["images"])
    )


def _read_karpathys(images: list[Any], split: str | None, name: str) -> Annotations:
    wanted = None if split is None else set(split.split("+"))
    files: dict[ImageId, str] = {}
    captions: dict[ImageId, list[str]] = {}
    splits: set[str] = set()
    for i, entry in enumerate(images):
        place = f"{name}: images[{i}]"
        its_split = _field(entry, "split", (str,), place)
        splits.add(its_split)
        if wanted is not None and its_split not in wanted:
            continue
        image = _id(entry, "cocoid" if "cocoid" in entry else "imgid", place)
        if image in files:
            raise DataError(f"{place}: image {image!r} is listed already; list each image once")
        file = _field(entry, "filename", (str,), place)
        folder = _field(entry, "filepath", (str,), place) if "filepath" in entry else ""
        files[image] = os.path.join(folder, file)
        sentences = _field(entry, "sentences", (list,), place)
        captions[image] = [
            _caption(each, f"{place}: sentences[{j}]", "raw") for j, each in enumerate(sentences)
        ]
    missing = sorted((wanted or set()) - splits)
    if missing:
        raise DataError(
            f'{name}: no image is in the split "{missing[0]}"; the splits are '
            f"{', '.join(sorted(splits))}"
        )
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
        of_one = "text" if kinds == (str,) else "a list"
        wanted = of_one if len(kinds) == 1 else "a number or text"
        raise DataError(f'{place}: "{field}" must be {wanted}, got {json.dumps(value)}')
    return value


def _id(entry: Any, field: str, place: str) -> ImageId:
    return _field(entry, field, (int, str), place)


def _file_name(entry: Any, place: str) -> str:
    return _field(entry, "file_name", (str,), place)


def _caption(entry: Any, place: str, field: str = "caption") -> str:
    caption: str = _field(entry, field, (str,), place)
    # JSON can hold a lone surrogate, which no text file can.
    return caption.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
