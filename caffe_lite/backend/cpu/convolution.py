"""Convolution in NumPy: im2col for several images, then one product per image and group."""

import numpy

from caffe_lite.backend.cpu.base import CpuBase
from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.reference.convolution import ReferenceConvolution
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array, Shape

COLUMN_BYTES = 4 << 20  # columns that one thread holds at a time


class CpuConvolution(CpuBase, ReferenceConvolution):
    """See `ReferenceConvolution`."""

    def convolution(
        self, x: Array, weight: Array, bias: Array | None, y: Array, geometry: ConvGeometry
    ) -> None:
        rows = weight.reshape(geometry.group, weight.shape[0] // geometry.group, -1)
        run = self._images_at_a_time(rows.shape[2] * geometry.group, y)

        def part(begin: int, end: int) -> None:
            for first in range(begin, end, run):
                some = slice(first, min(first + run, end))
                windows = _windows(_padded(self, x[some], geometry), geometry, y.shape[2:])
                out = y[some]
                columns = _columns(self, windows, (len(out), geometry.group, rows.shape[2], -1))
                product = out.reshape(len(out), geometry.group, rows.shape[1], -1)
                numpy.matmul(rows, columns, out=product)
                if bias is not None:
                    out += per_channel(bias, y)

        self._in_parts(part, len(x), y.size * rows.shape[2] // 16)

    def convolution_grad_data(
        self, dy: Array, weight: Array, dx: Array, geometry: ConvGeometry
    ) -> None:
        rows = weight.reshape(geometry.group, weight.shape[0] // geometry.group, -1)
        run = self._images_at_a_time(rows.shape[2] * geometry.group, dy)

        def part(begin: int, end: int) -> None:
            for first in range(begin, end, run):
                some = dy[first : min(first + run, end)]
                grouped = some.reshape(len(some), geometry.group, rows.shape[1], -1)
                shape = (len(some), dx.shape[1] * geometry.taps, *dy.shape[2:])
                (columns,) = self.arena.arrays(self.dtype, shape)
                product = columns.reshape(len(some), geometry.group, rows.shape[2], -1)
                # With one output per group this is an outer product, for which matmul is slow.
                spread = numpy.multiply if rows.shape[1] == 1 else numpy.matmul
                spread(rows.swapaxes(1, 2), grouped, out=product)
                self.col2im(columns, dx[first : first + len(some)], geometry)

        self._in_parts(part, len(dy), dy.size * rows.shape[2] // 16)

    def convolution_grad_weight(
        self, x: Array, dy: Array, dweight: Array, geometry: ConvGeometry
    ) -> None:
        group, outputs = geometry.group, dy.shape[1] // geometry.group
        channels = x.shape[1] // group
        target = dweight.reshape(group, outputs, channels, geometry.taps)
        run = self._images_at_a_time(channels * group * geometry.taps, dy)

        def part(begin: int, end: int) -> None:
            # Threads divide the channels, not the images, so that no sum crosses threads.
            for first in range(0, len(x), run):
                some = x[first : first + run].reshape(-1, group, channels, *x.shape[2:])
                some = some[:, :, begin:end].reshape(-1, group * (end - begin), *x.shape[2:])
                windows = _windows(_padded(self, some, geometry), geometry, dy.shape[2:])
                # (images, channels, taps, pixels) to (group, channel and tap, images and pixels)
                windows = numpy.moveaxis(windows, 0, 1 + len(geometry.kernel))
                columns = _columns(self, windows, (group, (end - begin) * geometry.taps, -1))
                grouped = dy[first : first + run].reshape(len(some), group, outputs, -1)
                transposed = numpy.moveaxis(grouped, 0, 2).reshape(group, outputs, -1)
                share = transposed @ columns.swapaxes(1, 2)
                target[:, :, begin:end] += share.reshape(group, outputs, end - begin, -1)

        self._in_parts(part, channels, dy.size * channels * geometry.taps // 16)

    def _images_at_a_time(self, rows: int, y: Array) -> int:
        image = rows * (y.size // max(1, y.shape[0] * y.shape[1])) * self.dtype.itemsize
        return max(1, COLUMN_BYTES // max(1, image))


def _padded(ops: CpuConvolution, x: Array, geometry: ConvGeometry) -> Array:
    if not any(geometry.pad):
        return x
    spatial = [size + 2 * p for size, p in zip(x.shape[2:], geometry.pad, strict=True)]
    padded = numpy.zeros((*x.shape[:2], *spatial), ops.dtype)
    inner = [slice(p, p + size) for size, p in zip(x.shape[2:], geometry.pad, strict=True)]
    padded[(slice(None), slice(None), *inner)] = x
    return padded


def _windows(padded: Array, geometry: ConvGeometry, output: Shape) -> Array:
    """A view (images, channels, *kernel, *output) of the pixels of each tap."""
    steps = padded.strides[2:]
    taps = tuple(step * d for step, d in zip(steps, geometry.dilation, strict=True))
    moves = tuple(step * s for step, s in zip(steps, geometry.stride, strict=True))
    return numpy.lib.stride_tricks.as_strided(
        padded,
        (*padded.shape[:2], *geometry.kernel, *output),
        (*padded.strides[:2], *taps, *moves),
        writeable=False,
    )


def _columns(ops: CpuConvolution, windows: Array, shape: Shape) -> Array:
    """A contiguous copy of the windows in scratch memory, reshaped."""
    (columns,) = ops.arena.arrays(ops.dtype, windows.shape)
    columns[...] = windows
    return columns.reshape(shape)
