"""Equalising the histogram of a grey 8-bit image (H, W), whole or in tiles, on the host."""

import numpy as np

from caffe_lite.forks.ssd._colors import to_bytes
from caffe_lite.types import Array

_LEVELS = 256


def equalize(grey: Array) -> Array:
    """Levels spread so that their cumulative histogram is a straight line."""
    counts = np.bincount(grey.ravel(), minlength=_LEVELS)
    lowest = int(np.flatnonzero(counts)[0])
    if counts[lowest] == grey.size:
        return grey
    counts[: lowest + 1] = 0
    table = np.cumsum(counts) * np.float32(255 / (grey.size - np.count_nonzero(grey == lowest)))
    return to_bytes(table)[grey]


def equalize_tiles(grey: Array, limit: float = 4, tiles: int = 8) -> Array:
    """Equalised in tiles x tiles parts, between whose tables each pixel is interpolated.

    In each tile no level counts more than `limit` times the mean; the excess goes to all levels.
    """
    height, width = (-(-size // tiles) for size in grey.shape)
    spare = [(0, new * tiles - old) for new, old in zip((height, width), grey.shape, strict=True)]
    padded = np.pad(grey, spare, "reflect").reshape(tiles, height, tiles, width)
    parts = padded.transpose(0, 2, 1, 3).reshape(tiles, tiles, -1)
    most = max(int(limit * height * width / _LEVELS), 1)
    tables = np.array([[_limited_table(part, most) for part in row] for row in parts], np.float32)
    above, below, y = _neighbours(grey.shape[0], height, tiles)
    left, right, x = _neighbours(grey.shape[1], width, tiles)
    y, above, below = y[:, None], above[:, None], below[:, None]
    upper = tables[above, left, grey] * (1 - x) + tables[above, right, grey] * x
    lower = tables[below, left, grey] * (1 - x) + tables[below, right, grey] * x
    return to_bytes(upper * (1 - y) + lower * y)


def _limited_table(part: Array, most: int) -> Array:
    counts = np.bincount(part, minlength=_LEVELS)
    excess = int(np.maximum(counts - most, 0).sum())
    counts = np.minimum(counts, most) + excess // _LEVELS
    rest = excess % _LEVELS
    if rest:
        step = max(_LEVELS // rest, 1)
        counts[: rest * step : step] += 1
    return to_bytes(np.cumsum(counts) * np.float32(255 / len(part)))


def _neighbours(size: int, tile: int, tiles: int) -> tuple[Array, Array, Array]:
    """For each pixel the tiles before and behind it, and its place between their centres."""
    place = np.arange(size, dtype=np.float32) / tile - np.float32(0.5)
    first = np.floor(place).astype(np.intp)
    return np.maximum(first, 0), np.minimum(first + 1, tiles - 1), place - first
