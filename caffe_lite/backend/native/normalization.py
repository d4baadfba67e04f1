"""Local response and batch normalization in C."""

from math import prod

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array


class NativeNormalization(NativeBase, NumpyOps):
    """See `ReferenceNormalization`."""

    def lrn_across(
        self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        at = self._addresses(x, y, scale)
        if at is None or not x.shape == y.shape == scale.shape:
            return super().lrn_across(x, y, scale, size, alpha, beta, k)
        sizes = _rows(x)
        self._functions(x.size).lrn_across(*sizes, size, alpha, beta, k, *at)

    def lrn_across_grad(
        self,
        x: Array,
        y: Array,
        scale: Array,
        dy: Array,
        dx: Array,
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

    def batch_norm_stats(self, x: Array, mean: Array, var: Array) -> None:
        at, sizes = self._addresses(x, mean, var), _rows(x)
        if at is None or sizes[2] == 1:
            return super().batch_norm_stats(x, mean, var)
        self._functions(x.size).batch_norm_stats(*sizes, *at)

    def batch_norm_apply(self, x: Array, mean: Array, std: Array, y: Array) -> None:
        at, sizes = self._addresses(x, mean, std, y), _rows(x)
        if at is None or sizes[2] == 1:
            return super().batch_norm_apply(x, mean, std, y)
        self._functions(x.size).batch_norm_apply(*sizes, *at)

    def batch_norm_grad(self, y: Array, std: Array, dy: Array, dx: Array) -> None:
        at, sizes = self._addresses(y, std, dy, dx), _rows(y)
        if at is None or sizes[2] == 1:
            return super().batch_norm_grad(y, std, dy, dx)
        self._functions(y.size).batch_norm_grad(*sizes, *at)


def _rows(x: Array) -> tuple[int, int, int]:
    """Images, channels and pixels of x (N, C, *S)."""
    return x.shape[0], x.shape[1], prod(x.shape[2:])
