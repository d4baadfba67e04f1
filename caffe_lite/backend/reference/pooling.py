"""Pooling over two spatial axes, with Caffe's rules for windows that cross the border.

The window of output o starts at `o * stride - pad` and may end beyond the image; the caller chooses
the output's size. Every operation loops over the positions inside a window (taps): the pixels of
one tap are a strided slice of the padded image.
"""

from collections.abc import Iterator
from typing import Any

import numpy

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array, Pair, Shape

LOWEST = -float(numpy.finfo(numpy.float32).max)  # the maximum of an empty window, in float64 too


class ReferencePooling(OpsBase):
    """Pooling of x (N, C, H, W) into y (N, C, OH, OW); kernel, stride and pad are (h, w)."""

    def max_pool(
        self, x: Array, y: Array, mask: Array | None, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        """y = the largest pixel in each window; mask = h * W + w of the first such pixel.

        mask (int32, shaped as y) may be None. NaN and -inf are never chosen: a window
        without other pixels gives the lowest float32 and mask -1.
        """
        xp = self.xp
        padded = _padded(xp, x, y.shape, kernel, stride, pad, LOWEST)
        index = _padded(xp, _pixel_index(xp, x), y.shape, kernel, stride, pad, -1)
        y[...] = LOWEST
        first = xp.full(y.shape, -1, "int32")
        for window in _taps(y.shape, kernel, stride):
            larger = padded[window] > y
            y[...] = xp.where(larger, padded[window], y)
            first = xp.where(larger, index[window], first)
        if mask is not None:
            mask[...] = first

    def max_pool_grad(
        self, dy: Array, mask: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair
    ) -> None:
        """dx (overwritten): each dy is added to the pixel in its mask, unless that is -1.

        The pixel must lie in the output's window; kernel, stride and pad are those of `max_pool`.
        """
        pixels = dx.shape[2] * dx.shape[3]
        planes = dx.shape[0] * dx.shape[1]
        target = self.zeros((planes, pixels))
        plane, output = self.xp.nonzero(mask.reshape(planes, -1) >= 0)
        source = mask.reshape(planes, -1)[plane, output]
        self.xp.add.at(target, (plane, source), dy.reshape(planes, -1)[plane, output])
        dx[...] = target.reshape(dx.shape)

    def ave_pool(self, x: Array, y: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        """y = the window's sum over the image, divided by the window's size clipped at H + pad.

        Padding counts as zeros, positions beyond it are not counted, and an empty window gives 0.
        """
        padded = _padded(self.xp, x, y.shape, kernel, stride, pad, 0)
        total = self.zeros(y.shape)
        for window in _taps(y.shape, kernel, stride):
            total += padded[window]
        y[...] = total / window_sizes(self, x.shape, y.shape, kernel, stride, pad)

    def ave_pool_grad(self, dy: Array, dx: Array, kernel: Pair, stride: Pair, pad: Pair) -> None:
        """dx (overwritten): each dy, divided as in `ave_pool`, is added to its window's pixels."""
        share = dy / window_sizes(self, dx.shape, dy.shape, kernel, stride, pad)
        dx[...] = 0
        padded = _padded(self.xp, dx, dy.shape, kernel, stride, pad, 0)
        for window in _taps(dy.shape, kernel, stride):
            view = padded[window]
            view += share
        dx[...] = padded[:, :, pad[0] : pad[0] + dx.shape[2], pad[1] : pad[1] + dx.shape[3]]

    def stochastic_pool(
        self, x: Array, y: Array, mask: Array, uniform: Array, kernel: Pair, stride: Pair
    ) -> None:
        """y = a pixel of each window, drawn with probability x / sum of x (for x >= 0).

        The draw is the first pixel at which the running sum reaches uniform * sum; uniform (shaped
        as y) is in [0, 1). mask = h * W + w of the draw, for `max_pool_grad`; if no pixel
        reaches it (NaN) y is NaN and mask -1.
        """
        xp = self.xp
        padded = _padded(xp, x, y.shape, kernel, stride, (0, 0), 0)
        index = _padded(xp, _pixel_index(xp, x), y.shape, kernel, stride, (0, 0), -1)
        total = self.zeros(y.shape)
        for window in _taps(y.shape, kernel, stride):
            total += padded[window]
        threshold = uniform * total
        total[...] = 0
        y[...] = xp.nan
        mask[...] = -1
        for window in _taps(y.shape, kernel, stride):
            total += padded[window]
            drawn = (total >= threshold) & (mask < 0) & (index[window] >= 0)
            y[...] = xp.where(drawn, padded[window], y)
            mask[...] = xp.where(drawn, index[window], mask)

    def stochastic_pool_test(self, x: Array, y: Array, kernel: Pair, stride: Pair) -> None:
        """y = sum of x^2 / sum of x over each window (the draw's mean); 0 unless the sum is > 0."""
        padded = _padded(self.xp, x, y.shape, kernel, stride, (0, 0), 0)
        total, squares = self.zeros(y.shape), self.zeros(y.shape)
        for window in _taps(y.shape, kernel, stride):
            total += padded[window]
            squares += padded[window] * padded[window]
        positive = total > 0
        y[...] = self.xp.where(positive, squares / self.xp.where(positive, total, 1), 0)


def _padded(
    xp: Any, x: Array, y_shape: Shape, kernel: Pair, stride: Pair, pad: Pair, fill: float
) -> Array:
    """A copy of x (..., H, W) with `pad` before it and enough `fill` after it for every window."""
    spread = []
    for axis, size in enumerate(x.shape[-2:]):
        reach = (y_shape[2 + axis] - 1) * stride[axis] + kernel[axis]
        spread.append((pad[axis], max(0, reach - pad[axis] - size)))
    return xp.pad(x, ((0, 0),) * (x.ndim - 2) + tuple(spread), constant_values=fill)


def _taps(y_shape: Shape, kernel: Pair, stride: Pair) -> Iterator[Any]:
    """For each position in the window, the slice of the padded image with its pixels."""
    rows, cols = (y_shape[2] - 1) * stride[0] + 1, (y_shape[3] - 1) * stride[1] + 1
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield ..., slice(i, i + rows, stride[0]), slice(j, j + cols, stride[1])


def _pixel_index(xp: Any, x: Array) -> Array:
    """h * W + w for each pixel of an image, (H, W) int32."""
    return xp.arange(x.shape[2] * x.shape[3], dtype="int32").reshape(x.shape[2:])


def window_sizes(
    ops: OpsBase,
    x_shape: Shape,
    y_shape: Shape,
    kernel: Pair,
    stride: Pair,
    pad: Pair,
) -> Array:
    """Pixels per window, clipped at the far padding: (OH, OW), at least 1."""
    sides = []
    for axis in (0, 1):
        start = numpy.arange(y_shape[2 + axis]) * stride[axis] - pad[axis]
        end = numpy.minimum(start + kernel[axis], x_shape[2 + axis] + pad[axis])
        sides.append(numpy.maximum(end - start, 1))
    return ops.asarray(numpy.outer(*sides))
