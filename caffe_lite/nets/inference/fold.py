"""Affine maps per channel multiplied into the weights beside them, in double precision.

With y = W x + b, a map s * y + t behind it gives (s W) x + (s b + t), and one ahead of it, of
input channel c, W[:, c] s[c] and b + sum over c and taps of W[:, c] t[c].
"""

from __future__ import annotations

from dataclasses import replace

from caffe_lite.backend.operations import Affine, Convolve, Operation, Product
from caffe_lite.types import Array


def affine_behind(first: Affine | Convolve | Product, then: Affine) -> Operation | None:
    """`first` with `then` behind it; None if an activation is in between or numbers overflow."""
    if first.activation is not None:
        return None
    if isinstance(first, Affine):
        scale = then.scale if first.scale is None else _scaled(first.scale, then.scale)
        shift = _plus(_scaled(first.shift, then.scale), then.shift)
        return _if_finite(Affine(scale, shift, then.activation), scale, shift)
    weight = first.weight
    if then.scale is not None:
        along_rows = isinstance(first, Convolve) or not first.transposed
        shape = (-1,) + (1,) * (first.weight.ndim - 1) if along_rows else (-1,)
        weight = (weight.astype("float64") * then.scale.reshape(shape)).astype(weight.dtype)
    bias = _plus(_scaled(first.bias, then.scale), then.shift)
    joined = replace(first, weight=weight, bias=bias, activation=then.activation)
    return _if_finite(joined, weight, bias)


def affine_ahead(first: Affine, then: Convolve) -> Operation | None:
    """`then` on inputs that `first` has not mapped yet; None where that is not exact.

    Padding is added after the map, so with padding `first` must not shift.
    """
    shifts = first.shift is not None and bool((first.shift != 0).any())
    if first.activation is not None or (shifts and any(then.geometry.pad)):
        return None
    group = then.geometry.group
    outputs, channels = then.weight.shape[:2]
    weight = then.weight.astype("float64").reshape(group, outputs // group, channels, -1)
    bias = then.bias
    if first.shift is not None and shifts:
        shift = first.shift.astype("float64").reshape(group, 1, channels, 1)
        bias = _plus((weight * shift).sum(axis=(2, 3)).reshape(-1), bias)
        bias = bias if bias is None else bias.astype(then.weight.dtype)
    if first.scale is not None:
        weight = weight * first.scale.astype("float64").reshape(group, 1, channels, 1)
    folded = weight.reshape(then.weight.shape).astype(then.weight.dtype)
    return _if_finite(replace(then, weight=folded, bias=bias), folded, bias)


def _scaled(a: Array | None, scale: Array | None) -> Array | None:
    """a * scale in the type of a; no `a` is zero, no `scale` one."""
    if a is None or scale is None:
        return a
    scaled: Array = (a.astype("float64") * scale).astype(a.dtype)
    return scaled


def _plus(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    total: Array = (a.astype("float64") + b).astype(a.dtype)
    return total


def _if_finite(operation: Operation, *arrays: Array | None) -> Operation | None:
    """The operation, unless its weights overflowed or hold NaN: then the steps stay apart."""
    finite = all(a is None or bool((abs(a) < float("inf")).all()) for a in arrays)
    return operation if finite else None
