"""Sizes of a convolution over any number of spatial axes."""

from dataclasses import dataclass
from math import prod

from caffe_lite.types import Shape


@dataclass(frozen=True)
class ConvGeometry:
    """Kernel, stride, pad and dilation per spatial axis, and the number of channel groups.

    One geometry describes a convolution, its two gradients, and the deconvolution with input and
    output exchanged.
    """

    kernel: Shape
    stride: Shape
    pad: Shape
    dilation: Shape
    group: int = 1

    @property
    def taps(self) -> int:
        """Number of positions in the kernel."""
        return prod(self.kernel)

    @property
    def extent(self) -> Shape:
        """Pixels that the dilated kernel spans, per axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def output(self, spatial: Shape) -> Shape:
        """Output shape of a convolution of `spatial`; below 1 where the kernel does not fit."""
        return tuple(
            (size + 2 * p - e) // s + 1
            for size, p, e, s in zip(spatial, self.pad, self.extent, self.stride, strict=True)
        )

    def transposed_output(self, spatial: Shape) -> Shape:
        """Output shape of a deconvolution of `spatial`."""
        return tuple(
            s * (size - 1) + e - 2 * p
            for size, p, e, s in zip(spatial, self.pad, self.extent, self.stride, strict=True)
        )
