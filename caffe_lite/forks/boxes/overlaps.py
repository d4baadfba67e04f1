"""How much boxes share: areas, intersections, intersection over union, coverage."""

from typing import Any

from caffe_lite.types import Array


def areas(xp: Any, boxes: Array, extent: float = 0) -> Array:
    """Areas (...) of boxes (..., 4); 0 for a box whose xmax < xmin or ymax < ymin."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    area = (width + extent) * (height + extent)
    return xp.where((width < 0) | (height < 0), 0, area)


def intersections(xp: Any, a: Array, b: Array, extent: float = 0) -> Array:
    """Areas (N, M) that each of a (N, 4) shares with each of b (M, 4); 0 where they only touch."""
    a = a[:, None]
    width = xp.minimum(a[..., 2], b[:, 2]) - xp.maximum(a[..., 0], b[:, 0]) + extent
    height = xp.minimum(a[..., 3], b[:, 3]) - xp.maximum(a[..., 1], b[:, 1]) + extent
    return xp.where((width > 0) & (height > 0), width * height, 0)


def iou(
    xp: Any,
    a: Array,
    b: Array,
    extent: float = 0,
    area_a: Array | None = None,
    area_b: Array | None = None,
) -> Array:
    """Intersection over union (N, M) of each of a (N, 4) with each of b (M, 4), in [0, 1].

    It is 0 for boxes that share no area, those of no area and those with NaN among them. `area_a`
    (N,) and `area_b` (M,) replace the areas of the boxes themselves.
    """
    shared = intersections(xp, a, b, extent)
    area_a = areas(xp, a, extent) if area_a is None else area_a
    area_b = areas(xp, b, extent) if area_b is None else area_b
    union = area_a[:, None] + area_b - shared
    some = shared > 0
    return xp.where(some, shared / xp.where(some, union, 1), 0)


def coverage(xp: Any, a: Array, b: Array) -> Array:
    """The part (N, M), in [0, 1], of each box of a (N, 4) that lies in each of b (M, 4)."""
    shared = intersections(xp, a, b)
    some = shared > 0
    return xp.where(some, shared / xp.where(some, areas(xp, a)[:, None], 1), 0)
