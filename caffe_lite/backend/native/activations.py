"""Activations, dropout and the element-wise maximum in C."""

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array


class NativeActivations(NativeBase, NumpyOps):
    """See `ReferenceActivations`, `ReferenceSelection` and `ReferenceRandom`."""

    def relu(self, x: Array, y: Array, slope: float = 0.0) -> None:
        at = self._addresses(x, y)
        if at is None or x.size != y.size:
            return super().relu(x, y, slope)
        self._functions(x.size).relu(x.size, *at, slope)

    def relu_grad(self, x: Array, dy: Array, dx: Array, slope: float = 0.0) -> None:
        at = self._addresses(x, dy, dx)
        if at is None or not x.size == dy.size == dx.size:
            return super().relu_grad(x, dy, dx, slope)
        self._functions(x.size).relu_grad(x.size, *at, slope)

    def dropout(self, x: Array, y: Array, mask: Array, ratio: float, stream: Any) -> None:
        at = self._addresses(x, y, mask)
        if at is None or not x.size == y.size == mask.size:
            return super().dropout(x, y, mask, ratio, stream)
        stream.uniform(mask)
        self._functions(x.size).dropout(x.size, *at, ratio)

    def bias_relu(self, y: Array, bias: Array, slope: float = 0.0) -> None:
        at = self._addresses(y, bias)
        if at is None or bias.size != y.shape[1]:
            return super().bias_relu(y, bias, slope)
        self._functions(y.size).bias_relu(*_sizes(y), *at, slope)

    def prelu(self, x: Array, slope: Array, y: Array) -> None:
        at = self._addresses(x, slope, y)
        if at is None or x.size != y.size or slope.size != x.shape[1]:
            return super().prelu(x, slope, y)
        self._functions(x.size).prelu(*_sizes(x), *at)

    def prelu_grad(self, x: Array, slope: Array, dy: Array, dx: Array) -> None:
        at = self._addresses(x, slope, dy, dx)
        if at is None or not x.size == dy.size == dx.size or slope.size != x.shape[1]:
            return super().prelu_grad(x, slope, dy, dx)
        self._functions(x.size).prelu_grad(*_sizes(x), *at)

    def prelu_grad_slope(self, x: Array, dy: Array, dslope: Array) -> None:
        at = self._addresses(x, dy, dslope)
        if at is None or x.size != dy.size or dslope.size != x.shape[1]:
            return super().prelu_grad_slope(x, dy, dslope)
        self._functions(x.size).prelu_grad_slope(*_sizes(x), *at)

    def eltwise_max(self, xs: Sequence[Array], y: Array, winner: Array) -> None:
        at, index = self._addresses(y, *xs), self._index_address(winner)
        if at is None or not index or len({a.size for a in (y, winner, *xs)}) > 1:
            return super().eltwise_max(xs, y, winner)
        c = self._functions(y.size)
        c.eltwise_max(y.size, at[1], at[2], 1, at[0], index)
        for i in range(2, len(xs)):
            c.eltwise_max(y.size, at[0], at[1 + i], i, at[0], index)

    def eltwise_max_grad(self, dy: Array, winner: Array, index: int, dx: Array) -> None:
        at, place = self._addresses(dy, dx), self._index_address(winner)
        if at is None or not place or not dy.size == winner.size == dx.size:
            return super().eltwise_max_grad(dy, winner, index, dx)
        self._functions(dy.size).eltwise_max_grad(dy.size, at[0], place, index, at[1])


def _sizes(x: Array) -> tuple[int, int, int]:
    """Images, channels and pixels of x (N, C, *S)."""
    return x.shape[0], x.shape[1], prod(x.shape[2:])
