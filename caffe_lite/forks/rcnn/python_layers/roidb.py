"""The images of a training set with their objects and regions, on the host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.data.images import read_image
from caffe_lite.data.resize import resize
from caffe_lite.data.window_file import Window, WindowFile, Windows
from caffe_lite.errors import DataError
from caffe_lite.types import Array


@dataclass(frozen=True)
class Entry:
    """An image file, its objects and regions in pixels (x1, y1, x2, y2), both corners inside."""

    path: str
    objects: Array  # (G, 4)
    classes: Array  # (G,) from 1 on
    regions: Array  # (P, 4) proposals
    flipped: bool = False

    def load(self, shorter: float, longest: float, mean: Sequence[float]) -> tuple[Array, float]:
        """The image (3, H, W), resized and minus the mean, and its scale.

        The shorter side becomes `shorter` long, or less, so that the longer one stays within
        `longest`.
        """
        pixels = read_image(self.path)
        if self.flipped:
            pixels = pixels[:, ::-1]
        height, width = pixels.shape[:2]
        scale = shorter / min(height, width)
        if round(scale * max(height, width)) > longest:
            scale = longest / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        image = resize(np.ascontiguousarray(pixels), *size).astype(np.float32)
        return (image - np.array(mean, np.float32)).transpose(2, 0, 1), scale

    def boxes(self, width: float, scale: float) -> tuple[Array, Array]:
        """Objects and regions in the image as `load` gives it, which is `width` pixels wide."""
        return self._place(self.objects, width, scale), self._place(self.regions, width, scale)

    def _place(self, boxes: Array, width: float, scale: float) -> Array:
        scaled = boxes * scale
        if self.flipped:
            right = width - scale  # the last pixel's place
            scaled[:, [0, 2]] = right - scaled[:, [2, 0]]
        return scaled


def from_window_file(path: str, root: str) -> list[Entry]:
    """The images of a window file: windows of overlap 1 are objects, the others regions."""
    file = WindowFile(path, 1.0, 1.0, root, needed=("foreground",))
    objects, regions = _by_image(file.foreground), _by_image(file.background)
    entries = []
    for image, name in enumerate(file.paths):
        own = objects.get(image, [])
        classes = np.array([window.label for window in own], float)
        entries.append(Entry(name, _corners(own), classes, _corners(regions.get(image, []))))
    return entries


def from_dicts(given: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The images of a `roidb`, dicts of image, boxes (B, 4), gt_classes (B,), perhaps flipped.

    Boxes of class 0 are regions, as in py-faster-rcnn; boxes of a flipped image are flipped.
    """
    entries = []
    for number, each in enumerate(given):
        try:
            boxes = np.asarray(each["boxes"], float).reshape(-1, 4)
            classes = np.asarray(each["gt_classes"], float).reshape(-1)
            path = str(each["image"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"roidb[{number}] lacks image, boxes or gt_classes: {error}") from error
        if len(boxes) != len(classes):
            raise DataError(f"roidb[{number}] has {len(boxes)} boxes and {len(classes)} gt_classes")
        entry = Entry(path, boxes[classes > 0], classes[classes > 0], boxes[classes == 0])
        entries.append(_unflipped(entry) if each.get("flipped") else entry)
    return entries


def _unflipped(entry: Entry) -> Entry:
    """An entry whose boxes are those of the flipped image, with boxes of the file's image."""
    width = read_image(entry.path).shape[1]
    sides = [boxes.copy() for boxes in (entry.objects, entry.regions)]
    for boxes in sides:
        boxes[:, [0, 2]] = width - 1 - boxes[:, [2, 0]]
    return Entry(entry.path, sides[0], entry.classes, sides[1], flipped=True)


def _by_image(windows: Windows) -> dict[int, list[Window]]:
    found: dict[int, list[Window]] = {}
    for window in (windows[i] for i in range(len(windows))):
        found.setdefault(window.image, []).append(window)
    return found


def _corners(windows: Sequence[Window]) -> Array:
    rows = [[window.x1, window.y1, window.x2, window.y2] for window in windows]
    return np.array(rows, float).reshape(-1, 4)
