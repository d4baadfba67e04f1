"""Rectified linear units on the GPU, with a fixed slope or learned ones."""

from math import prod

from caffe_lite.backend.gpu.arrays import GpuArrays
from caffe_lite.types import Array


class GpuActivations(GpuArrays):
    """The activations that nets spend their time in; layers write the others with `xp`."""

    def relu(self, x: Array, y: Array, slope: float = 0.0) -> None:
        """y = x where x > 0, else slope * x; y may be x. NaN stays NaN."""
        self.launch("relu", x.size, x.size, x, y, slope)

    def relu_grad(self, x: Array, dy: Array, dx: Array, slope: float = 0.0) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy."""
        self.launch("relu_grad", x.size, x.size, x, dy, dx, slope)

    def bias_relu(self, y: Array, bias: Array, slope: float = 0.0) -> None:
        """y (N, C, *S) = relu of y + bias (C,) over axis 1, in place: one pass for two layers."""
        self.launch("bias_relu", y.size, y.size, y, bias, slope, *_channels(y))

    def prelu(self, x: Array, slope: Array, y: Array) -> None:
        """y = max(x, 0) + slope * min(x, 0), x (N, C, *S) and slope (C,); y may be x."""
        self.launch("prelu", x.size, x.size, x, slope, y, *_channels(x))

    def prelu_grad(self, x: Array, slope: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy."""
        self.launch("prelu_grad", x.size, x.size, x, slope, dy, dx, *_channels(x))

    def prelu_grad_slope(self, x: Array, dy: Array, dslope: Array) -> None:
        """dslope (C,) += the sum of dy * min(x, 0) over every axis but 1."""
        self.channel_sum("channel_negative", (x, dy), x.shape, dslope, accumulate=True)


def _channels(x: Array) -> tuple[int, int]:
    """Channels of x (N, C, *S), and pixels of each."""
    return x.shape[1], prod(x.shape[2:])
