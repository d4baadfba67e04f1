"""Anchors: the boxes that a region proposal net refines, in pixels with `extent` 1."""

from collections.abc import Sequence
from typing import Any

from caffe_lite.types import Array


def base_anchors(
    xp: Any,
    base_size: int = 16,
    ratios: Sequence[float] = (0.5, 1, 2),
    scales: Sequence[float] = (8, 16, 32),
    dtype: Any = "float64",
) -> Array:
    """The anchors (A, 4) around the cell [0, base_size - 1], ratio by ratio, each in all scales.

    A ratio is height / width. Sides at scale 1 are rounded to pixels, as R-CNN's are.
    """
    center = (base_size - 1) / 2
    anchors = []
    for ratio in ratios:
        width = round((base_size * base_size / ratio) ** 0.5)
        height = round(width * ratio)
        for scale in scales:
            x, y = (width * scale - 1) / 2, (height * scale - 1) / 2
            anchors.append([center - x, center - y, center + x, center + y])
    return xp.asarray(anchors, dtype=dtype)


def over_grid(xp: Any, anchors: Array, height: int, width: int, stride: float) -> Array:
    """The anchors (H * W * A, 4) shifted to every cell of a grid, row by row, `stride` apart."""
    y, x = xp.arange(height, dtype=anchors.dtype), xp.arange(width, dtype=anchors.dtype)
    shifts = xp.empty((height, width, 1, 4), dtype=anchors.dtype)
    shifts[..., 0::2] = (x * stride)[None, :, None, None]
    shifts[..., 1::2] = (y * stride)[:, None, None, None]
    return (shifts + anchors).reshape(-1, 4)
