"""Maximum and average pooling in C."""

from math import prod
from typing import Any

import numpy

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array, Pair, Shape


class NativePooling(NativeBase, NumpyOps):
    """See `ReferencePooling`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pooling_plans: dict[Any, tuple[Any, int, int]] = {}

    def _pooling_plan(
        self,
        x: Shape,
        y: Shape,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        pad: Pair = (0, 0),
    ) -> tuple[Any, int, int]:
        """The C struct pooling_plan, its address, and its scratch size in elements."""
        key = (x, y, kernel, stride, pad)
        if key not in self._pooling_plans:
            sizes = numpy.array([prod(x[:2]), *x[2:], *y[2:], *kernel, *stride, *pad], numpy.int64)
            address = sizes.ctypes.data
            scratch = self.library.with_gil.pooling_scratch(address)
            self._pooling_plans[key] = sizes, address, scratch
        return self._pooling_plans[key]

    def max_pool(
        self, x: Array, y: Array, mask: Array | None, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        at = self._addresses(x, y)
        index = None if mask is None else self._index_address(mask)
        if at is None or index == 0 or x.shape[:2] != y.shape[:2]:
            return super().max_pool(x, y, mask, kernel, stride, pad)
        _, plan, scratch = self._pooling_plan(x.shape, y.shape, kernel, stride, pad)
        self._functions(x.size).max_pool(plan, *at, index, self._scratch(scratch))

    def max_pool_grad(
        self, dy: Array, mask: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        at, index = self._addresses(dy, dx), self._index_address(mask)
        if at is None or not index or mask.shape != dy.shape or dx.shape[:2] != dy.shape[:2]:
            return super().max_pool_grad(dy, mask, dx, kernel, stride, pad)
        _, plan, _ = self._pooling_plan(dx.shape, dy.shape)
        self._functions(dx.size).max_pool_grad(plan, at[0], index, at[1])

    def ave_pool(self, x: Array, y: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        at = self._addresses(x, y)
        if at is None or x.shape[:2] != y.shape[:2]:
            return super().ave_pool(x, y, kernel, stride, pad)
        _, plan, scratch = self._pooling_plan(x.shape, y.shape, kernel, stride, pad)
        self._functions(x.size).ave_pool(plan, *at, self._scratch(scratch))

    def ave_pool_grad(self, dy: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        at = self._addresses(dy, dx)
        if at is None or dx.shape[:2] != dy.shape[:2]:
            return super().ave_pool_grad(dy, dx, kernel, stride, pad)
        _, plan, scratch = self._pooling_plan(dx.shape, dy.shape, kernel, stride, pad)
        self._functions(dx.size).ave_pool_grad(plan, *at, self._scratch(scratch))
