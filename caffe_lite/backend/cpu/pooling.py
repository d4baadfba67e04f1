"""Separable pooling in NumPy: over the rows of the window, then over its columns."""

from collections.abc import Callable
from typing import Any

import numpy

from caffe_lite.backend.cpu.base import CpuBase
from caffe_lite.backend.reference.pooling import LOWEST, ReferencePooling, window_sizes
from caffe_lite.types import Array, Pair

IMAGE_ELEMENTS = 65_536


class CpuPooling(CpuBase, ReferencePooling):
    """See `ReferencePooling`."""

    def max_pool(
        self, x: Array, y: Array, mask: Array | None, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        def some(images: slice) -> None:
            found = None if mask is None else mask[images]
            _max_images(self, x[images], y[images], found, kernel, stride, pad)

        self._by_images(some, x)

    def max_pool_grad(
        self, dy: Array, mask: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        pixels = dx.shape[2] * dx.shape[3]

        def some(images: slice) -> None:
            found = mask[images].reshape(-1, dy.shape[2] * dy.shape[3])
            # Entry 0 of each row collects the outputs without a pixel (mask -1).
            place = found.astype(numpy.intp)
            place += 1 + numpy.arange(len(place)).reshape(-1, 1) * (pixels + 1)
            size = len(place) * (pixels + 1)
            total = numpy.bincount(place.ravel(), dy[images].ravel(), minlength=size)
            dx[images] = total.reshape(-1, pixels + 1)[:, 1:].reshape(-1, *dx.shape[1:])

        self._by_images(some, dx)

    def ave_pool(self, x: Array, y: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        sizes = window_sizes(self, x.shape, y.shape, kernel, stride, pad)

        def some(images: slice) -> None:
            image, out = x[images], y[images]
            rows = numpy.zeros((*out.shape[:3], x.shape[3]), self.dtype)
            for outs, pixels in _taps(y.shape[2], x.shape[2], kernel[0], stride[0], pad[0]):
                rows[:, :, outs] += image[:, :, pixels]
            out[...] = 0
            for outs, pixels in _taps(y.shape[3], x.shape[3], kernel[1], stride[1], pad[1]):
                out[..., outs] += rows[..., pixels]
            out /= sizes

        self._by_images(some, x)

    def ave_pool_grad(self, dy: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        sizes = window_sizes(self, dx.shape, dy.shape, kernel, stride, pad)

        def some(images: slice) -> None:
            out = dx[images]
            share = dy[images] / sizes
            rows = numpy.zeros((*share.shape[:3], dx.shape[3]), self.dtype)
            for outs, pixels in _taps(dy.shape[3], dx.shape[3], kernel[1], stride[1], pad[1]):
                rows[..., pixels] += share[..., outs]
            out[...] = 0
            for outs, pixels in _taps(dy.shape[2], dx.shape[2], kernel[0], stride[0], pad[0]):
                out[:, :, pixels] += rows[:, :, outs]

        self._by_images(some, dx)

    def _by_images(self, operation: Callable[[slice], None], x: Array) -> None:
        """Call operation(images) for slices of the batch whose temporaries fit the cache."""
        step = max(1, IMAGE_ELEMENTS * len(x) // max(1, x.size))

        def part(begin: int, end: int) -> None:
            for first in range(begin, end, step):
                operation(slice(first, min(first + step, end)))

        self._in_parts(part, len(x), x.size)


def _taps(outputs: int, size: int, kernel: int, stride: int, pad: int) -> list[tuple[slice, slice]]:
    """For each position in the window, the outputs with a pixel there, and those pixels."""
    taps = []
    for k in range(kernel):
        first = max(0, -((k - pad) // stride))  # the smallest o with o * stride - pad + k >= 0
        last = min(outputs, (size - 1 - k + pad) // stride + 1)
        if first < last:
            start = first * stride - pad + k
            taps.append(
                (slice(first, last), slice(start, (last - 1) * stride - pad + k + 1, stride))
            )
    return taps


def _max_images(
    ops: CpuPooling, x: Array, y: Array, mask: Array | None, kernel: Pair, stride: Pair, pad: Pair
) -> None:
    """Over the columns first, so that on a tie the first pixel in row-major order wins."""
    (height, width), (out_height, out_width) = x.shape[2:], y.shape[2:]
    along = _taps(out_width, width, kernel[1], stride[1], pad[1])
    down = _taps(out_height, height, kernel[0], stride[0], pad[0])
    value = numpy.full((*x.shape[:3], out_width), LOWEST, ops.dtype)
    y[...] = LOWEST
    if mask is None:
        for outs, pixels in along:
            numpy.fmax(value[..., outs], x[..., pixels], out=value[..., outs])
        for outs, pixels in down:
            numpy.fmax(y[:, :, outs], value[:, :, pixels], out=y[:, :, outs])
        return
    column = numpy.full(value.shape, -1, numpy.int32)
    for outs, pixels in along:
        numbers = numpy.arange(width, dtype=numpy.int32)[pixels]
        _take_larger(value[..., outs], x[..., pixels], (column[..., outs], numbers))
    row = numpy.zeros(y.shape, numpy.int32)
    mask[...] = -1
    for outs, pixels in down:
        numbers = numpy.arange(height, dtype=numpy.int32)[pixels].reshape(-1, 1)
        _take_larger(
            y[:, :, outs],
            value[:, :, pixels],
            (mask[:, :, outs], column[:, :, pixels]),
            (row[:, :, outs], numbers),
        )
    row *= width
    mask += row


def _take_larger(best: Array, found: Array, *places: tuple[Any, Any]) -> None:
    """best = found where that is larger, and likewise kept = new for each pair of places."""
    larger = found > best
    numpy.fmax(best, found, out=best)
    for kept, new in places:
        kept[...] = numpy.where(larger, new, kept)  # faster than copyto with a mask
