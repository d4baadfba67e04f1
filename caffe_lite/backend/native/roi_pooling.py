"""Pooling of regions in C."""

from math import prod

import numpy

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.backend.reference.roi_pooling import windows
from caffe_lite.types import Array, Shape


class NativeRoiPooling(NativeBase, NumpyOps):
    """See `ReferenceRoiPooling`."""

    def roi_pool(self, x: Array, rois: Array, y: Array, mask: Array, scale: float) -> None:
        at, index = self._addresses(x, y), self._index_address(mask)
        if at is None or not index or mask.shape != y.shape or x.shape[1] != y.shape[1]:
            return super().roi_pool(x, rois, y, mask, scale)
        sides = ((2, 4, 2), (1, 3, 3))  # first and last of a region, and the axis
        rows, columns = (
            _int32(windows(numpy, rois[:, a], rois[:, b], scale, y.shape[axis], x.shape[axis]))
            for a, b, axis in sides
        )
        image, plan = _int32(rois[:, 0]), _plan(x.shape, y.shape)
        self._functions(y.size + prod(x.shape[1:])).roi_pool(
            plan.ctypes.data,
            at[0],
            image.ctypes.data,
            rows.ctypes.data,
            columns.ctypes.data,
            at[1],
            index,
        )

    def roi_pool_grad(self, dy: Array, rois: Array, mask: Array, dx: Array) -> None:
        at, index = self._addresses(dy, dx), self._index_address(mask)
        if at is None or not index or mask.shape != dy.shape or dx.shape[1] != dy.shape[1]:
            return super().roi_pool_grad(dy, rois, mask, dx)
        image, plan = _int32(rois[:, 0]), _plan(dx.shape, dy.shape)
        self._functions(dy.size + dx.size).roi_pool_grad(
            plan.ctypes.data, at[0], image.ctypes.data, index, at[1]
        )


def _plan(x: Shape, y: Shape) -> Array:
    """The C struct roi_plan."""
    return numpy.array([*x, y[0], *y[2:]], numpy.int64)


def _int32(values: Array) -> Array:
    whole = numpy.clip(values.astype(int), -1, 2**31 - 1)
    return numpy.ascontiguousarray(whole, numpy.int32)
