"""Convolution over any number of spatial axes, one kernel position (tap) at a time.

The pixels that a tap is multiplied with are a strided slice of the padded x, shaped like the
output. Each tap is then a matrix product over channels:

    y[n, o, p]          = bias[o] + sum over t, c of  weight[o, c, t] x[n, c, p s + t d]
    dx[n, c, p s + t d] = sum over t, o of  weight[o, c, t] dy[n, o, p]
    dweight[o, c, t]    = sum over n, p of  dy[n, o, p] x[n, c, p s + t d]

for tap t, channel c, image n, output o and output pixel p, with stride s and dilation d.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.reference.activations import ReferenceActivations
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array, Shape


class ReferenceConvolution(ReferenceActivations):
    """Convolution, its two gradients, and im2col.

    Shapes: x (N, C, *S), weight (O, C / group, *K), bias (O,), y (N, O, *S') with
    S' = geometry.output(S).
    """

    def convolution(
        self, x: Array, weight: Array, bias: Array | None, y: Array, geometry: ConvGeometry
    ) -> None:
        """y = x convolved with weight, plus bias unless that is None."""
        padded = _padded(self.xp, x, geometry)
        y[...] = 0
        for tap, window in _taps(geometry, y.shape[2:]):
            share = _tap_weight(weight, tap, geometry) @ _grouped(padded[window], geometry)
            y += share.reshape(y.shape)
        if bias is not None:
            y += per_channel(bias, y)

    def convolution_relu(
        self,
        x: Array,
        weight: Array,
        bias: Array,
        y: Array,
        geometry: ConvGeometry,
        slope: float = 0.0,
    ) -> None:
        """y = relu(convolution of x + bias), with negative values multiplied by `slope`."""
        self.convolution(x, weight, bias, y, geometry)
        self.relu(y, y, slope)

    def convolution_grad_data(
        self, dy: Array, weight: Array, dx: Array, geometry: ConvGeometry
    ) -> None:
        """dx (overwritten) = the gradient of x. This is the forward pass of a deconvolution."""
        dx[...] = 0
        padded = _padded(self.xp, dx, geometry)
        grouped_dy = _grouped(dy, geometry)
        for tap, window in _taps(geometry, dy.shape[2:]):
            view = padded[window]
            share = _tap_weight(weight, tap, geometry).swapaxes(1, 2) @ grouped_dy
            view += share.reshape(view.shape)
        dx[...] = padded[_inner(geometry, dx.shape[2:])]

    def convolution_grad_weight(
        self, x: Array, dy: Array, dweight: Array, geometry: ConvGeometry
    ) -> None:
        """dweight += the gradient of weight."""
        padded = _padded(self.xp, x, geometry)
        grouped_dy = _grouped(dy, geometry)
        for tap, window in _taps(geometry, dy.shape[2:]):
            pixels = _grouped(padded[window], geometry)
            share = (grouped_dy @ pixels.swapaxes(2, 3)).sum(axis=0)
            dweight[_at(tap)] += share.reshape(dweight.shape[:2])

    def im2col(self, x: Array, columns: Array, geometry: ConvGeometry) -> None:
        """columns (N, C * taps, *S') = for each channel and tap, the pixels of every output."""
        padded = _padded(self.xp, x, geometry)
        by_tap = columns.reshape(*x.shape[:2], geometry.taps, *columns.shape[2:])
        for i, (_, window) in enumerate(_taps(geometry, columns.shape[2:])):
            by_tap[:, :, i] = padded[window]

    def col2im(self, columns: Array, x: Array, geometry: ConvGeometry) -> None:
        """x (overwritten): each column entry is added to the pixel that im2col copies it from."""
        x[...] = 0
        padded = _padded(self.xp, x, geometry)
        by_tap = columns.reshape(*x.shape[:2], geometry.taps, *columns.shape[2:])
        for i, (_, window) in enumerate(_taps(geometry, columns.shape[2:])):
            view = padded[window]
            view += by_tap[:, :, i]
        x[...] = padded[_inner(geometry, x.shape[2:])]


def _padded(xp: Any, x: Array, geometry: ConvGeometry) -> Array:
    """A copy of x with `pad` zeros on both sides of each spatial axis."""
    return xp.pad(x, ((0, 0), (0, 0), *((p, p) for p in geometry.pad)))


def _inner(geometry: ConvGeometry, spatial: Shape) -> tuple[Any, ...]:
    """The index of the image in a padded array."""
    return (..., *(slice(p, p + size) for p, size in zip(geometry.pad, spatial, strict=True)))


def _taps(geometry: ConvGeometry, output: Shape) -> Iterator[tuple[Shape, Any]]:
    """Each kernel position, and the slice of the padded array that it is multiplied with."""
    for tap in product(*map(range, geometry.kernel)):
        starts = [t * d for t, d in zip(tap, geometry.dilation, strict=True)]
        window = [
            slice(start, start + (size - 1) * stride + 1, stride)
            for start, size, stride in zip(starts, output, geometry.stride, strict=True)
        ]
        yield tap, (..., *window)


def _grouped(a: Array, geometry: ConvGeometry) -> Array:
    """(N, C, *S) as (N, group, C / group, pixels)."""
    return a.reshape(len(a), geometry.group, a.shape[1] // geometry.group, -1)


def _at(tap: Shape) -> Any:
    """The index of one tap in weight (O, C / group, *K)."""
    return (slice(None), slice(None), *tap)


def _tap_weight(weight: Array, tap: Shape, geometry: ConvGeometry) -> Array:
    """One tap's weights as (group, O / group, C / group)."""
    at_tap = weight[_at(tap)]
    return at_tap.reshape(geometry.group, -1, at_tap.shape[1])
