"""Batches of image windows drawn at random and warped to one size, as WindowData makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np

from caffe_lite.data.images import decode_image, open_image
from caffe_lite.data.mean_file import read_mean
from caffe_lite.data.resize import resize
from caffe_lite.data.window_file import Window, WindowFile
from caffe_lite.errors import DataError


@dataclass(frozen=True)
class Placement:
    """Rows y1 ... y2 and columns x1 ... x2 of an image, ends included, are resized to height x
    width and put at (top, left) of the crop."""

    x1: int
    y1: int
    x2: int
    y2: int
    height: int
    width: int
    top: int = 0
    left: int = 0


def _round(x: Any) -> int:
    """To the nearest integer, halves away from zero, as C's round does."""
    x = float(x)
    return int(floor(x + 0.5) if x >= 0 else -floor(-x + 0.5))


def place(
    window: Window, rows: int, columns: int, crop: int, context: int, square: bool, mirrored: bool
) -> Placement:
    """The placement of `window`, of an image of rows x columns, in a crop x crop picture.

    With `context`, the window is enlarged so that it is surrounded by that many pixels after
    warping; with `square`, its shorter side is extended to the longer. Parts outside the image stay
    empty.
    """
    if not context and not square:
        return Placement(window.x1, window.y1, window.x2, window.y2, crop, crop)
    real = np.float32  # Caffe's type, which decides how halves round
    grow = real(crop) / real(crop - 2 * context)
    half_h, half_w = real((window.y2 - window.y1 + 1) / 2), real((window.x2 - window.x1 + 1) / 2)
    center_x, center_y = real(window.x1) + half_w, real(window.y1) + half_h
    if square:
        half_h = half_w = max(half_h, half_w)
    x1, x2 = _round(center_x - half_w * grow), _round(center_x + half_w * grow)
    y1, y2 = _round(center_y - half_h * grow), _round(center_y + half_h * grow)
    scale_x, scale_y = real(crop) / real(x2 - x1 + 1), real(crop) / real(y2 - y1 + 1)
    over_left, over_top = max(0, -x1), max(0, -y1)
    over_right, over_bottom = max(0, x2 - columns + 1), max(0, y2 - rows + 1)
    x1, x2, y1, y2 = x1 + over_left, x2 - over_right, y1 + over_top, y2 - over_bottom
    top = _round(over_top * scale_y)
    left = _round((over_right if mirrored else over_left) * scale_x)
    # Rounding may make the parts add up to more than the crop.
    height = min(_round((y2 - y1 + 1) * scale_y), crop - top)
    width = min(_round((x2 - x1 + 1) * scale_x), crop - left)
    return Placement(x1, y1, x2, y2, height, width, top, left)


def _mean(transform: Any) -> np.ndarray:
    """The mean of a crop, (3, crop, crop), or of each channel, (1 or 3, 1, 1)."""
    crop, values = transform.crop_size, list(transform.mean_value)
    if not transform.mean_file:
        if len(values) not in (0, 1, 3):
            raise DataError(f"mean_value must be given once, or 3 times, got {len(values)} values")
        return np.array(values or [0], np.float32).reshape(-1, 1, 1)
    if values:
        raise DataError("mean_file and mean_value exclude each other; drop one of them")
    mean = read_mean(transform.mean_file)
    edge = (mean.shape[2] - crop) // 2
    middle = mean[:, edge : edge + crop, edge : edge + crop] if edge >= 0 else mean[:, :0]
    if middle.shape != (3, crop, crop):
        raise DataError(
            f"mean_file {transform.mean_file} has shape {mean.shape}; it must hold 3 "
            f"channels of at least crop_size {crop} x {crop} pixels"
        )
    return middle


class WindowBatches:
    """Batches of windows (N, 3, crop, crop) and labels (N,), drawn with repetition.

    int(N * fg_fraction) windows of a batch are foreground; they follow the background. `transform`
    is a TransformationParameter: crop_size, mirror, scale and the mean; of a mean_file the centre
    is used. Only the pixels of a window are normalized; the rest of the picture is 0.
    """

    def __init__(
        self,
        file: WindowFile,
        transform: Any,
        rng: np.random.Generator,
        batch_size: int,
        fg_fraction: float = 0.25,
        context: int = 0,
        square: bool = False,
        cache: bool = False,
    ) -> None:
        self.file, self.rng, self.batch_size = file, rng, batch_size
        self.crop, self.mirror, self.scale = transform.crop_size, transform.mirror, transform.scale
        self.context, self.square = context, square
        self.foreground_count = int(batch_size * fg_fraction)
        self._mean = _mean(transform)
        self._cache: dict[int, bytes] | None = {} if cache else None

    def shapes(self) -> list[tuple[int, ...]]:
        return [(self.batch_size, 3, self.crop, self.crop), (self.batch_size,)]

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        pictures, labels = arrays
        rng = self.rng
        for i in range(self.batch_size):
            background = i < self.batch_size - self.foreground_count
            windows = self.file.background if background else self.file.foreground
            window = windows[int(rng.integers(len(windows)))]
            self._draw(window, self.mirror and bool(rng.integers(2)), pictures[i])
            labels[i] = window.label

    def _draw(self, window: Window, mirrored: bool, out: np.ndarray) -> None:
        image = self._image(window.image)
        rows, columns = image.shape[:2]
        to = place(window, rows, columns, self.crop, self.context, self.square, mirrored)
        out[...] = 0
        if not (0 <= to.x1 <= to.x2 < columns and 0 <= to.y1 <= to.y2 < rows):
            raise DataError(
                f"{self.file.name}: window ({window.x1}, {window.y1}) to ({window.x2}, "
                f"{window.y2}) is not inside {self.file.paths[window.image]} of "
                f"{columns} x {rows} pixels"
            )
        if to.height < 1 or to.width < 1:
            return
        part = resize(image[to.y1 : to.y2 + 1, to.x1 : to.x2 + 1], to.height, to.width)
        if mirrored:
            part = part[:, ::-1]
        area = (slice(None), slice(to.top, to.top + to.height), slice(to.left, to.left + to.width))
        mean = self._mean if self._mean.shape[1] == 1 else self._mean[area]
        np.subtract(part.transpose(2, 0, 1), mean, out=out[area])
        out[area] *= self.scale

    def _image(self, index: int) -> np.ndarray:
        path = self.file.paths[index]
        data = None if self._cache is None else self._cache.get(index)
        if data is None:
            with open_image(path) as file:
                data = file.read()
            if self._cache is not None:
                self._cache[index] = data
        return decode_image(data, True, path)

    def get_state(self) -> dict[str, Any]:
        return {"rng": self.rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state["rng"]

    def close(self) -> None:
        """Nothing to close: files are open only while they are read."""
