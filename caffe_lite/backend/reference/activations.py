"""ReLU with a fixed slope, and PReLU."""

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array


class ReferenceActivations(OpsBase):
    """ReLU and PReLU; layers compute the other activations with `xp`."""

    def relu(self, x: Array, y: Array, slope: float = 0.0) -> None:
        """y = x where x > 0, else slope * x; y may be x. NaN stays NaN."""
        negative = slope * self.xp.minimum(x, 0) if slope else None
        self.xp.maximum(x, 0, out=y)
        if negative is not None:
            y += negative

    def relu_grad(self, x: Array, dy: Array, dx: Array, slope: float = 0.0) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy.

        x may be the output of `relu` instead of its input if slope >= 0.
        """
        factor: Array = x > 0
        if slope:
            factor = factor.astype(self.dtype) + slope * (x <= 0).astype(self.dtype)
        self.xp.multiply(dy, factor, out=dx)

    def bias_relu(self, y: Array, bias: Array, slope: float = 0.0) -> None:
        """y (N, C, *S) = relu(y + bias), in place; bias (C,) is added along axis 1."""
        y += per_channel(bias, y)
        self.relu(y, y, slope)

    def prelu(self, x: Array, slope: Array, y: Array) -> None:
        """y = max(x, 0) + slope * min(x, 0), x (N, C, *S) and slope (C,); y may be x."""
        negative = self.xp.minimum(x, 0) * per_channel(slope, x)
        self.xp.maximum(x, 0, out=y)
        y += negative

    def prelu_grad(self, x: Array, slope: Array, dy: Array, dx: Array) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy."""
        factor = (x <= 0) * per_channel(slope, x) + (x > 0)
        self.xp.multiply(dy, factor, out=dx)

    def prelu_grad_slope(self, x: Array, dy: Array, dslope: Array) -> None:
        """dslope (C,) += the sum of dy * min(x, 0) over every axis but 1."""
        dslope += (self.xp.minimum(x, 0) * dy).sum(axis=(0, *range(2, x.ndim)))
