"""Box codes: how nets regress a box from a prior box.

    CORNER       code = (corner - corner of the prior) / variance
    CORNER_SIZE  code = (corner - corner of the prior) / side of the prior / variance
    CENTER_SIZE  code[0:2] = (centre - centre of the prior) / side of the prior / variance[0:2]
                 code[2:4] = log(side / side of the prior) / variance[2:4]

CENTER_SIZE without variances is the code of R-CNN, there with `extent` 1.
"""

from collections.abc import Callable
from typing import Any

from caffe_lite.types import Array

Code = Callable[[Any, Array, Array, float], Array]


def encode(
    xp: Any,
    code: str,
    boxes: Array,
    priors: Array,
    variances: Array | None = None,
    extent: float = 0,
) -> Array:
    """The codes (..., 4) of boxes (..., 4) relative to priors; shapes broadcast.

    `code` is CORNER, CENTER_SIZE or CORNER_SIZE. Sides must be positive, else the result is
    infinite or NaN. Without `variances` nothing is divided by them.
    """
    codes = _ENCODE[code](xp, boxes, priors, extent)
    return codes if variances is None else codes / variances


def decode(
    xp: Any,
    code: str,
    codes: Array,
    priors: Array,
    variances: Array | None = None,
    extent: float = 0,
) -> Array:
    """The boxes (..., 4) that `codes` (..., 4) represent: the inverse of `encode`."""
    return _DECODE[code](xp, codes if variances is None else codes * variances, priors, extent)


def sides(boxes: Array, extent: float = 0) -> Array:
    """Widths and heights (..., 2) of boxes (..., 4)."""
    return boxes[..., 2:] - boxes[..., :2] + extent


def _centers(boxes: Array, extent: float) -> Array:
    return boxes[..., :2] + sides(boxes, extent) / 2


def _both(xp: Any, pair: Array) -> Array:
    return xp.concatenate([pair, pair], axis=-1)


def _encode_corner(xp: Any, boxes: Array, priors: Array, extent: float) -> Array:
    return boxes - priors


def _decode_corner(xp: Any, codes: Array, priors: Array, extent: float) -> Array:
    return priors + codes


def _encode_corner_size(xp: Any, boxes: Array, priors: Array, extent: float) -> Array:
    return (boxes - priors) / _both(xp, sides(priors, extent))


def _decode_corner_size(xp: Any, codes: Array, priors: Array, extent: float) -> Array:
    return priors + codes * _both(xp, sides(priors, extent))


def _encode_center_size(xp: Any, boxes: Array, priors: Array, extent: float) -> Array:
    size = sides(priors, extent)
    offset = (_centers(boxes, extent) - _centers(priors, extent)) / size
    return xp.concatenate([offset, xp.log(sides(boxes, extent) / size)], axis=-1)


def _decode_center_size(xp: Any, codes: Array, priors: Array, extent: float) -> Array:
    size = sides(priors, extent)
    center = codes[..., :2] * size + _centers(priors, extent)
    half = xp.exp(codes[..., 2:]) * size / 2
    return xp.concatenate([center - half, center + half], axis=-1)


_ENCODE: dict[str, Code] = {
    "CORNER": _encode_corner,
    "CENTER_SIZE": _encode_center_size,
    "CORNER_SIZE": _encode_corner_size,
}
_DECODE: dict[str, Code] = {
    "CORNER": _decode_corner,
    "CENTER_SIZE": _decode_center_size,
    "CORNER_SIZE": _decode_corner_size,
}
