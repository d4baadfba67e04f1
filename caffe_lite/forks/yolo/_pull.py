"""In which direction a predicted box (x, y, width, height) gets more similar to a true one.

The formulas are those of darknet and, for DIOU and CIOU, not exact derivatives of the similarity:
sides count twice, the distance's power of 0.6 is left out and its term for sides has the opposite
sign.
"""

import math
from typing import Any

from caffe_lite.forks.yolo._similarity import corners, ratio_term
from caffe_lite.types import Array


def pull(xp: Any, kind: str, box: Array, truth: Array) -> Array:
    """The steps (K, 4) in x, y, width and height of boxes (K, 4) towards their truths (K, 4).

    `kind` is GIOU, DIOU or CIOU.
    """
    (low, high), (true_low, true_high) = corners(xp, box), corners(xp, truth)
    overlap = xp.minimum(high, true_high) - xp.maximum(low, true_low)  # negative where apart
    hull = xp.maximum(high, true_high) - xp.minimum(low, true_low)
    shared = _product(overlap)
    union = _product(box[:, 2:]) + _product(truth[:, 2:]) - shared
    # Derivatives with respect to the upper left and the lower right corner.
    dshared = _edges(xp, overlap, low > true_low, high < true_high)
    dunion = [own - common for own, common in zip(_edges(xp, box[:, 2:]), dshared, strict=True)]
    step = _both(xp, [_quotient(xp, *pair) for pair in _ratio(shared, dshared, union, dunion)])
    apart = (overlap <= 0).any(axis=1, keepdims=True)
    outside = low < true_low, high > true_high
    if kind == "GIOU":
        area, darea = _product(hull), _edges(xp, hull, *outside)
        more = _both(xp, [_quotient(xp, *pair) for pair in _ratio(union, dunion, area, darea)])
    else:
        more = _towards_center(xp, box, truth, hull, outside)
    if kind == "CIOU":
        iou = shared / union
        more[:, 2:] += _towards_ratio(xp, box, truth, iou)
    return xp.where(apart, more, step + more)


def _product(sides: Array) -> Array:
    return sides[:, :1] * sides[:, 1:]


def _edges(xp: Any, sides: Array, first: Any = True, last: Any = True) -> list[Array]:
    """The derivatives of an area by its first and last edges, where these bound it."""
    other = sides[:, ::-1]
    return [xp.where(first, -other, 0), xp.where(last, other, 0)]


def _ratio(a: Array, da: list[Array], b: Array, db: list[Array]) -> list[tuple[Array, Array]]:
    """Numerator and denominator of the derivatives of a / b."""
    return [(b * da_edge - a * db_edge, b * b) for da_edge, db_edge in zip(da, db, strict=True)]


def _quotient(xp: Any, a: Array, b: Array) -> Array:
    return xp.where(b > 0, a / xp.where(b > 0, b, 1), 0)


def _both(xp: Any, edges: list[Array]) -> Array:
    """Derivatives by centre and side, (K, 4), from those by the first and last edge."""
    first, last = edges
    return xp.concatenate([first + last, last - first], axis=1)


def _towards_center(xp: Any, box: Array, truth: Array, hull: Array, outside: Any) -> Array:
    """The steps (K, 4) that shorten the distance of centres, in diagonals of the hull."""
    first, last = (side.astype(box.dtype) for side in outside)
    diagonal = (hull**2).sum(axis=1, keepdims=True)
    offset = truth[:, :2] - box[:, :2]
    distance = (offset**2).sum(axis=1, keepdims=True)
    center = 2 * offset * diagonal - 2 * hull * (last - first) * distance
    side = hull * (last + first) * distance
    return _quotient(xp, xp.concatenate([center, side], axis=1), diagonal**2)


def _towards_ratio(xp: Any, box: Array, truth: Array, iou: Array) -> Array:
    """The steps (K, 2) of the sides towards the truth's ratio of sides."""
    v = ratio_term(xp, box, truth)[:, None]
    angle = xp.arctan(truth[:, 2] / truth[:, 3]) - xp.arctan(box[:, 2] / box[:, 3])
    turn = 8 / math.pi**2 * angle[:, None] * box[:, :1:-1]
    turn[:, 1] *= -1
    return v / (1 - iou + v + 1e-6) * turn
