"""Windows of images classified, as Caffe's detect.py does for R-CNN."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.data.images import read_image
from caffe_lite.errors import DataError
from caffe_lite.proto.files import read_input
from caffe_lite.recognition.classifier import ImageClassifier
from caffe_lite.recognition.resample import resample
from caffe_lite.recognition.window_crops import WindowCrops

_COLUMNS = ("filename", "xmin", "ymin", "xmax", "ymax")
_BATCH = 32  # windows


@dataclass(frozen=True)
class Window:
    """A line of a list of windows; `box` is ymin, xmin, ymax, xmax, as in Caffe's Detector."""

    image: str
    box: tuple[float, float, float, float]


def read_windows(path: str) -> list[Window]:
    """The windows of a CSV file with the header filename,xmin,ymin,xmax,ymax in any order.

    Raises DataError for another header and, with its line, for what is not a number.
    """
    content = read_input(path, lambda reason: DataError(f"{path}: {reason}"))
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "surrogateescape")))
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}:1: no column {', '.join(missing)}; the header is {','.join(_COLUMNS)}"
        )
    windows = []
    for row in rows:
        try:
            box = [float(row[name]) for name in ("ymin", "xmin", "ymax", "xmax")]
        except (TypeError, ValueError):
            raise DataError(
                f"{path}:{rows.line_num}: expected a file name and four numbers"
            ) from None
        windows.append(Window(row["filename"], (box[0], box[1], box[2], box[3])))
    if not windows:
        raise DataError(f"{path}: the list has no windows")
    return windows


class WindowDetector:
    """Scores windows of images with a net for classification; see `WindowCrops`."""

    def __init__(self, classifier: ImageClassifier, context_pad: int = 0) -> None:
        self.classifier = classifier
        images = classifier.images
        fill = np.broadcast_to(images.mean, (*images.size, images.channels)).astype(np.float32)
        self._crops = WindowCrops(fill, context_pad)

    def scores(self, windows: Sequence[Window]) -> Iterator[np.ndarray]:
        """The scores (K,) of each window, in order. Raises DataError for what cannot be cropped."""
        crops: list[np.ndarray] = []
        name, image = "", np.empty(0)
        for window in windows:
            if window.image != name or not image.size:
                color = self.classifier.images.channels == 3
                name, image = window.image, read_image(window.image, color=color)
            crops.append(self._crop(image, window))
            if len(crops) == _BATCH:
                yield from self.classifier.run(np.stack(crops))
                crops = []
        if crops:
            yield from self.classifier.run(np.stack(crops))

    def _crop(self, image: np.ndarray, window: Window) -> np.ndarray:
        """The input (C, H, W) of the net for a window."""
        images = self.classifier.images
        try:
            pixels = self._crops.crop(image, window.box)
        except DataError as error:
            raise DataError(f"{window.image}: {error}") from None
        if pixels.shape[:2] != images.size:
            pixels = resample(pixels, *images.size)
        return images.prepare(pixels)
