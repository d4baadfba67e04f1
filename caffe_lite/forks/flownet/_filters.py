"""Images resized by one matrix for each axis. The matrices (new, size) are made on the host."""

from typing import Any

import numpy as np

from caffe_lite.types import Array, Shape


def apply(xp: Any, rows: Array, columns: Array, x: Array, out: Array, work: Array) -> None:
    """out (N, C, H', W') = rows (H', H) times x (N, C, H, W) times columns' transpose (W, W').

    `work` (N, C, H', W) is written.
    """
    xp.matmul(rows, x, out=work)
    xp.matmul(work, columns.T, out=out)


def corner_aligned(size: int, new_size: int) -> Array:
    """Linear interpolation in which the first and last pixels keep their places."""
    center = np.arange(new_size) * ((size - 1) / max(new_size - 1, 1))
    first = np.minimum(np.floor(center).astype(int), size - 1)
    part = center - first
    matrix = np.zeros((new_size, size))
    rows = np.arange(new_size)
    matrix[rows, first] += 1 - part
    matrix[rows, np.minimum(first + 1, size - 1)] += part
    return matrix


def corner_aligned_triangles(size: int, new_size: int) -> Array:
    """Weights of a triangle as wide as two new pixels; they do not add up to 1."""
    scale = (size - 1) / max(new_size - 1, 1)
    center = np.arange(new_size)[:, None] * scale
    distance = np.abs(np.arange(size) - center) / (scale or 1)
    near = np.abs(np.arange(size) - _round(center)) <= np.ceil(scale)
    return np.maximum(1 - distance, 0) * near


def resampling(shape: Shape, new_shape: Shape, kind: str, antialias: bool) -> list[Array]:
    """Matrices for height and width that resample NEAREST, LINEAR or CUBIC.

    The centre of an axis is shifted by half a step of the other axis, as FlowNet does it.
    """
    steps = [size / new for size, new in zip(shape, new_shape, strict=True)]
    wide = antialias and max(steps) > 1
    made = []
    for size, new, step, other in zip(shape, new_shape, steps, reversed(steps), strict=True):
        center = np.arange(new)[:, None] * step + other / 2 - 0.5
        near = _round(center)
        offset = np.arange(size) - np.clip(near, 0, size - 1)
        if kind == "NEAREST":
            made.append((offset == 0).astype(float))
            continue
        width = step if wide else 1.0
        radius = 2 if step < 1 else np.ceil((4 if kind == "CUBIC" else 2) * width)
        filtered = _FILTERS[kind]((center - np.arange(size)) / width)
        weight = filtered * (np.abs(np.arange(size) - near) <= radius)
        total = weight.sum(axis=1, keepdims=True)
        made.append(np.divide(weight, total, out=np.zeros_like(weight), where=total != 0))
    return made


def _round(a: Array) -> Array:
    """The nearest whole numbers, halves away from zero, as C's round."""
    rounded: Array = np.trunc(a + np.copysign(0.5, a))
    return rounded


def _triangle(x: Array) -> Array:
    filtered: Array = np.maximum(1 - np.abs(x), 0)
    return filtered


def _cubic(x: Array) -> Array:
    """The cubic filter of slope -0.5."""
    x = np.abs(x)
    near = x * x * (1.5 * x - 2.5) + 1
    far = x * (x * (-0.5 * x + 2.5) - 4) + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


_FILTERS = {"LINEAR": _triangle, "CUBIC": _cubic}
