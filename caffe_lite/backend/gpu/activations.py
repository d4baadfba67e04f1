"""ReLU with a fixed slope, and PReLU, on the GPU."""

from math import prod

from caffe_lite.backend.gpu.arrays import GpuArrays
from caffe_lite.types import Array


class GpuActivations(GpuArrays):
    """ReLU and PReLU; layers compute the other activations with `xp`."""

    def relu(self, x: Array, y: Array, slope: float = 0.0) -> None:
        """y = x where x > 0, else slope * x; y may be x. NaN stays NaN."""
        self.launch("relu", x.size, x.size, x, y, slope)

    def relu_grad(self, x: Array, dy: Array, dx: Array, slope: float = 0.0) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy."""
        self.launch("relu_grad", x.size, x.size, x, dy, dx, slope)

    def bias_relu(self, y: Array, bias: Array, slope: float = 0.0) -> None:
        """y (N, C, *S) = relu(y + bias), in place; bias (C,) is added along axis 1."""
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
    """Channels of x (N, C, *S), and pixels per channel."""
    return x.shape[1], prod(x.shape[2:])
