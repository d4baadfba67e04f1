"""Boxes in the coordinates of another box: clipped, located in it, projected into it."""

from typing import Any

from caffe_lite.forks.boxes.overlaps import areas
from caffe_lite.types import Array


def clip(xp: Any, boxes: Array, height: float = 1, width: float = 1) -> Array:
    """Boxes (..., 4) with x cut to [0, width] and y cut to [0, height]."""
    clipped = xp.empty_like(boxes)
    clipped[..., 0::2] = xp.clip(boxes[..., 0::2], 0, width)
    clipped[..., 1::2] = xp.clip(boxes[..., 1::2], 0, height)
    return clipped


def scale(xp: Any, boxes: Array, height: float, width: float) -> Array:
    """Boxes (..., 4) with x multiplied by `width` and y by `height`."""
    return boxes * xp.asarray([width, height, width, height], dtype=boxes.dtype)


def crosses_boundary(xp: Any, boxes: Array) -> Array:
    """Whether (...) any coordinate of a box (..., 4) lies outside [0, 1]."""
    return xp.any((boxes < 0) | (boxes > 1), axis=-1)


def locate(xp: Any, frame: Array, boxes: Array) -> Array:
    """Boxes (..., 4), fractions of `frame` (4,), in the coordinates that `frame` is given in."""
    return xp.concatenate([frame[:2], frame[:2]]) + boxes * _sides(xp, frame)


def project(xp: Any, frame: Array, boxes: Array) -> tuple[Array, Array]:
    """The inverse of `locate`, clipped to the frame; and whether each box shares area with it.

    Where a box does not, its result has no meaning.
    """
    outside = (boxes[..., :2] >= frame[2:]).any(axis=-1) | (boxes[..., 2:] <= frame[:2]).any(-1)
    origin = xp.concatenate([frame[:2], frame[:2]])
    projected = clip(xp, (boxes - origin) / _sides(xp, frame))
    return projected, ~outside & (areas(xp, projected) > 0)


def _sides(xp: Any, frame: Array) -> Array:
    sides = frame[2:] - frame[:2]
    return xp.concatenate([sides, sides])
