"""How similar two boxes (x, y, width, height) are: IOU, GIOU, DIOU or CIOU.

    GIOU = IOU - (hull - union) / hull
    DIOU = IOU - (d^2 / c^2)^0.6
    CIOU = IOU - d^2 / c^2 - v^2 / (1 - IOU + v + 1e-6),  v = 4 / pi^2 (atan w/h - atan w'/h')^2

`hull` is the area of the smallest box around both and c its diagonal, d the distance of the
centres.
"""

import math
from typing import Any

from caffe_lite.types import Array


def similarity(xp: Any, kind: str, a: Array, b: Array) -> Array:
    """The similarity (...) of boxes (..., 4); shapes broadcast. `kind` MSE compares by IOU."""
    shared, union, hull = _areas(xp, a, b)
    iou = shared / xp.where(union > 0, union, 1)
    if kind == "MSE":
        return iou
    if kind == "GIOU":
        area = hull[..., 0] * hull[..., 1]
        return iou - xp.where(area == 0, 0, (area - union) / xp.where(area == 0, 1, area))
    diagonal = (hull**2).sum(axis=-1)
    distance = ((a[..., :2] - b[..., :2]) ** 2).sum(axis=-1)
    apart = distance / xp.where(diagonal == 0, 1, diagonal)
    if kind == "DIOU":
        return iou - apart**0.6
    v = ratio_term(xp, a, b)
    return iou - xp.where(diagonal == 0, 0, apart + v * v / (1 - iou + v + 1e-6))


def ratio_term(xp: Any, a: Array, b: Array) -> Array:
    """4 / pi^2 (atan w/h - atan w'/h')^2."""
    angle = xp.arctan(b[..., 2] / b[..., 3]) - xp.arctan(a[..., 2] / a[..., 3])
    return 4 / math.pi**2 * angle**2


def corners(xp: Any, boxes: Array) -> tuple[Array, Array]:
    """The upper left and lower right corners (..., 2) of boxes (..., 4)."""
    half = boxes[..., 2:] / 2
    return boxes[..., :2] - half, boxes[..., :2] + half


def _areas(xp: Any, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The areas of intersection and union (...), and the sides (..., 2) of the box around both."""
    (low_a, high_a), (low_b, high_b) = corners(xp, a), corners(xp, b)
    sides = xp.minimum(high_a, high_b) - xp.maximum(low_a, low_b)
    shared = xp.where((sides < 0).any(axis=-1), 0, sides[..., 0] * sides[..., 1])
    union = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared
    return shared, union, xp.maximum(high_a, high_b) - xp.minimum(low_a, low_b)
