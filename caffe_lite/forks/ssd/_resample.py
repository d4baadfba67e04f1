"""Resampling of 8-bit images in the modes of OpenCV, on the host."""

from collections.abc import Callable

import numpy as np

from caffe_lite.data.resize import resize as resize_linear
from caffe_lite.forks.ssd._colors import to_bytes
from caffe_lite.types import Array

Taps = tuple[Array, Array]  # pixels (new, T) that each new pixel mixes, and their weights (new, T)


def resample(image: Array, height: int, width: int, mode: str) -> Array:
    """Resize `image` (H, W, C) uint8 to (height, width, C) by the Interp_mode of that name.

    LINEAR and NEAREST are OpenCV's bit for bit; the others are within one level.
    """
    rows, columns = image.shape[:2]
    if mode == "LINEAR" or (rows, columns) == (height, width):
        return resize_linear(image, height, width)
    if mode == "NEAREST":
        return image[_nearest(rows, height)][:, _nearest(columns, width)]
    taps_of = _TAPS[mode]
    if mode == "AREA" and (height > rows or width > columns):
        taps_of = _enlarging_area
    across = _mixed(image.astype(np.float32), 1, *taps_of(columns, width))
    return to_bytes(_mixed(across, 0, *taps_of(rows, height)))


def _mixed(image: Array, axis: int, index: Array, weights: Array) -> Array:
    """The weighted sums of pixels along one axis."""
    shape = (-1, 1, 1) if axis == 0 else (-1, 1)
    columns = zip(index.T, weights.astype(np.float32).T, strict=True)
    return sum(image.take(pixel, axis) * weight.reshape(shape) for pixel, weight in columns)


def _nearest(size: int, new_size: int) -> Array:
    return np.minimum(np.floor(np.arange(new_size) * (size / new_size)).astype(np.intp), size - 1)


def _from(first: Array, weights: Array, size: int) -> Taps:
    """Taps at the pixels from `first` (new,) on; outside is the border."""
    return np.clip(first[:, None] + np.arange(weights.shape[1]), 0, size - 1), weights


def _position(size: int, new_size: int) -> tuple[Array, Array]:
    """The pixel left of each new pixel's centre, and how far that lies beyond it, in [0, 1)."""
    center = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
    first = np.floor(center)
    return first.astype(np.intp), center - first


def _cubic(size: int, new_size: int) -> Taps:
    """Four taps of the cubic with slope -0.75."""
    first, part = _position(size, new_size)
    distance = np.abs(part[:, None] - np.arange(-1, 3))
    a = -0.75
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return _from(first - 1, np.where(distance <= 1, near, far), size)


def _lanczos(size: int, new_size: int) -> Taps:
    """Eight taps of the Lanczos window, made to sum up to 1."""
    first, part = _position(size, new_size)
    distance = part[:, None] - np.arange(-3, 5)
    weights = np.sinc(distance) * np.sinc(distance / 4)
    return _from(first - 3, weights / weights.sum(axis=1, keepdims=True), size)


def _area(size: int, new_size: int) -> Taps:
    """The mean over what a new pixel covers."""
    edges = np.arange(new_size + 1) * (size / new_size)
    first = np.floor(edges[:-1]).astype(np.intp)
    pixel = first[:, None] + np.arange(int(np.ceil(size / new_size)) + 1)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return _from(first, np.maximum(covered, 0) * (new_size / size), size)


def _enlarging_area(size: int, new_size: int) -> Taps:
    """Two taps: a new pixel mixes neighbours only where it lies on both."""
    scale = size / new_size
    first = np.floor(np.arange(new_size) * scale)
    part = np.arange(1, new_size + 1) - (first + 1) / scale
    part = np.where(part <= 0, 0, part - np.floor(part))
    return _from(first.astype(np.intp), np.stack([1 - part, part], axis=1), size)


_TAPS: dict[str, Callable[[int, int], Taps]] = {
    "CUBIC": _cubic,
    "LANCZOS4": _lanczos,
    "AREA": _area,
}
