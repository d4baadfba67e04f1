"""The images to learn from: a folder for each class, or a list of paths with labels."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from caffe_lite.data.image_records import Entry, read_entries
from caffe_lite.data.images import open_image, read_image
from caffe_lite.data.pictures import opened_picture
from caffe_lite.errors import DataError

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
LEAST = 3  # images of a class: one each to train, to validate and to test
_GREY = ("1", "L", "LA", "I", "I;16")


@dataclass(frozen=True)
class Collection:
    """Images by class: `root` is put before each entry's path; `classes` are in label order.

    `unreadable` says of each image that was left out why. `size` is the median (height, width),
    `grey` whether no image has colours.
    """

    root: str
    classes: list[str]
    entries: list[Entry]
    unreadable: list[str]
    size: tuple[int, int]
    grey: bool

    def of_class(self, label: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.label == label]


def find_images(
    path: str, progress: Callable[[str, int, int], None] = lambda what, done, total: None
) -> Collection:
    """The images of a folder with a folder for each class, or of a list of lines "path label".

    Paths of a list are relative to the list, unless all are absolute. Images that cannot be decoded
    are left out before anything is divided; `progress` is called as they are looked at. Raises
    DataError if there are fewer than two classes, classes whose names differ only in case, or a
    class with fewer than 3 images that can be read.
    """
    if os.path.isdir(path):
        root, classes, entries = _from_folder(path)
    else:
        root, classes, entries = _from_list(path)
    if len(classes) < 2:
        one = f'only the class "{classes[0]}"' if classes else "no classes"
        raise DataError(
            f"{path}: {one}; a folder for each of at least two classes is needed, with its images"
        )
    readable, unreadable, sizes, colours = [], [], [], False
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        looks = threads.map(_look, (root + entry.path for entry in entries))
        for number, (entry, look) in enumerate(zip(entries, looks, strict=True), 1):
            if isinstance(look, DataError):
                unreadable.append(str(look))
            else:
                readable.append(entry)
                sizes.append(look[:2])
                colours = colours or look[2]
            progress("images", number, len(entries))
    _check_counts(path, classes, readable, unreadable)
    middle = int(median(h for h, _ in sizes)), int(median(w for _, w in sizes))
    return Collection(root, classes, readable, unreadable, middle, not colours)


def _from_folder(path: str) -> tuple[str, list[str], list[Entry]]:
    root = os.path.join(path, "")
    classes = sorted(
        each.name for each in os.scandir(path) if each.is_dir() and not each.name.startswith(".")
    )
    same = defaultdict(list)
    for name in classes:
        same[name.casefold()].append(name)
    for names in same.values():
        if len(names) > 1:
            quoted = " and ".join(f'"{name}"' for name in names)
            raise DataError(f"{path}: the classes {quoted} differ only in case; rename one")
    entries = []
    for label, name in enumerate(classes):
        for folder, _, files in sorted(os.walk(os.path.join(path, name))):
            inside = os.path.relpath(folder, path)
            for file in sorted(files):
                if file.lower().endswith(ENDINGS) and not file.startswith("."):
                    entries.append(Entry(os.path.join(inside, file), label))
    for entry in entries:
        if "\n" in entry.path or "\r" in entry.path:
            raise DataError(f"{path}: {entry.path!a} has a line break in its name; rename it")
    return root, classes, entries


def _from_list(path: str) -> tuple[str, list[str], list[Entry]]:
    entries = read_entries(path)
    count = max(entry.label for entry in entries) + 1
    lowest = min(entry.label for entry in entries)
    if lowest < 0:
        raise DataError(f"{path}: the label {lowest}; labels are whole numbers from 0 on")
    folder = "" if all(os.path.isabs(entry.path) for entry in entries) else os.path.dirname(path)
    return os.path.join(folder, "") if folder else "", [str(i) for i in range(count)], entries


def _look(path: str) -> tuple[int, int, bool] | DataError:
    """Height, width, and whether the image has colours; the error if it cannot be decoded."""
    try:
        with open_image(path) as file, opened_picture(file, path) as picture:
            colour = picture.mode not in _GREY
        height, width, _ = read_image(path).shape
    except DataError as error:
        return error
    return height, width, colour


def _check_counts(
    path: str, classes: Sequence[str], entries: Sequence[Entry], unreadable: Sequence[str]
) -> None:
    counts = Counter(entry.label for entry in entries)
    for label, name in enumerate(classes):
        if counts[label] < LEAST:
            left_out = f" ({len(unreadable)} files cannot be read)" if unreadable else ""
            raise DataError(
                f'{path}: the class "{name}" has {counts[label] or "no"} '
                f"image{'s' * (counts[label] != 1)}{left_out}; at least {LEAST} are needed: to "
                "train, to validate and to test"
            )
