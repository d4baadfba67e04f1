"""Local response and batch normalization in C."""

from math import prod
from typing import Any

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase


class NativeNormalization(NativeBase, NumpyOps):
    """See `ReferenceNormalization`."""

    def lrn_across(
        self, x: Any, y: Any, scale: Any, size: int, alpha: float, beta: float, k: float
    ) -> None:
        at = self._addresses(x, y, scale)
        if at is None or not x.shape == y.shape == scale.shape:
            return super().lrn_across(x, y, scale, size, alpha, beta, k)
        sizes = _rows(x)
        self._functions(x.size).lrn_across(*sizes, size, alpha, beta, k, *at)

    def lrn_across_grad(
        self,
        x: Any,
        y: Any,
        scale: Any,
        dy: Any,
        dx: Any,
        size: int,
        alpha: float,
        beta: float,
    ) -> None:
        at = self._addresses(x, y, scale, dy, dx)
        if at is None or not x.shape == y.shape == scale.shape == dy.shape == dx.shape:
            return super().lrn_across_grad(x, y, scale, dy, dx, size, alpha, beta)
        sizes = _rows(x)
        c = self._functions(x.size)
        scratch = self._scratch(c.lrn_across_grad_scratch(*sizes[1:]))
        c.lrn_across_grad(*sizes, size, alpha, beta, *at, scratch)

    def batch_norm_stats(self, x: Any, mean: Any, var: Any) -> None:
        at, sizes = self._addresses(x, mean, var), _rows(x)
        if at is None or sizes[2] == 1:
            return super().batch_norm_stats(x, mean, var)
        self._functions(x.size).batch_norm_stats(*sizes, *at)

    def batch_norm_apply(self, x: Any, mean: Any, std: Any, y: Any) -> None:
        at, sizes = self._addresses(x, mean, std, y), _rows(x)
        if at is None or sizes[2] == 1:
            return super().batch_norm_apply(x, mean, std, y)
        self._functions(x.size).batch_norm_apply(*sizes, *at)

    def batch_norm_grad(self, y: Any, std: Any, dy: Any, dx: Any) -> None:
        at, sizes = self._addresses(y, std, dy, dx), _rows(y)
        if at is None or sizes[2] == 1:
            return super().batch_norm_grad(y, std, dy, dx)
        self._functions(y.size).batch_norm_grad(*sizes, *at)


def _rows(x: Any) -> tuple[int, int, int]:
    """(N, C, *S) as images, channels, pixels."""
    return x.shape[0], x.shape[1], prod(x.shape[2:])
