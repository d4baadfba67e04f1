"""Resampling of 8-bit images in the modes of OpenCV, on the host."""

from collections.abc import Callable

import numpy as np

from caffe_lite.data.resize import resize as resize_linear
from caffe_lite.forks.ssd._colors import to_bytes
from caffe_lite.types import Array

Weights = Callable[[int, int], Array]


def resample(image: Array, height: int, width: int, mode: str) -> Array:
    """Resize `image` (H, W, C) uint8 to (height, width, C) by the Interp_mode of that name.

    LINEAR and NEAREST are OpenCV's bit for bit; the others are within one level.
    """
    rows, columns = image.shape[:2]
    if mode == "LINEAR" or (rows, columns) == (height, width):
        return resize_linear(image, height, width)
    if mode == "NEAREST":
        return image[_nearest(rows, height)][:, _nearest(columns, width)]
    weights = _WEIGHTS[mode]
    if mode == "AREA" and (height > rows or width > columns):
        weights = _enlarging_area
    vertical, horizontal = weights(rows, height), weights(columns, width)
    across = np.einsum("xw,hwc->hxc", horizontal, image.astype(np.float32), optimize=True)
    return to_bytes(np.einsum("yh,hxc->yxc", vertical, across, optimize=True))


def _nearest(size: int, new_size: int) -> Array:
    return np.minimum(np.floor(np.arange(new_size) * (size / new_size)).astype(np.intp), size - 1)


def _from_taps(size: int, first: Array, taps: Array) -> Array:
    """A matrix (new, size) from taps (new, T) from index `first` on; outside is the border."""
    matrix = np.zeros((len(taps), size), np.float32)
    index = np.clip(first[:, None] + np.arange(taps.shape[1]), 0, size - 1)
    np.add.at(matrix, (np.arange(len(taps))[:, None], index), taps)
    return matrix


def _position(size: int, new_size: int) -> tuple[Array, Array]:
    """The pixel left of each new pixel's centre, and how far that lies beyond it, in [0, 1)."""
    center = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
    first = np.floor(center)
    return first.astype(np.intp), center - first


def _cubic(size: int, new_size: int) -> Array:
    """Four taps of the cubic with slope -0.75."""
    first, part = _position(size, new_size)
    distance = np.abs(part[:, None] - np.arange(-1, 3))
    a = -0.75
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return _from_taps(size, first - 1, np.where(distance <= 1, near, far))


def _lanczos(size: int, new_size: int) -> Array:
    """Eight taps of the Lanczos window, made to sum up to 1."""
    first, part = _position(size, new_size)
    distance = part[:, None] - np.arange(-3, 5)
    taps = np.sinc(distance) * np.sinc(distance / 4)
    return _from_taps(size, first - 3, taps / taps.sum(axis=1, keepdims=True))


def _area(size: int, new_size: int) -> Array:
    """The mean over what a new pixel covers."""
    edges = np.arange(new_size + 1) * (size / new_size)
    pixel = np.arange(size)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (np.maximum(covered, 0) * (new_size / size)).astype(np.float32)


def _enlarging_area(size: int, new_size: int) -> Array:
    """Two taps: a new pixel mixes neighbours only where it lies on both."""
    scale = size / new_size
    first = np.floor(np.arange(new_size) * scale)
    part = np.arange(1, new_size + 1) - (first + 1) / scale
    part = np.where(part <= 0, 0, part - np.floor(part))
    return _from_taps(size, first.astype(np.intp), np.stack([1 - part, part], axis=1))


_WEIGHTS: dict[str, Weights] = {"CUBIC": _cubic, "LANCZOS4": _lanczos, "AREA": _area}
