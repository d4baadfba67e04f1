"""Rectified linear units on the GPU."""

from typing import Any

from caffe_lite.backend.gpu.base import GpuBase


class ActivationOps(GpuBase):
    """The activation that nets spend their time in; layers write the others with `xp`."""

    def relu(self, x: Any, y: Any, slope: float = 0.0) -> None:
        """y = x where x > 0, else slope * x; y may be x. NaN stays NaN."""
        self.launch("relu", x.size, x.size, x, y, slope)

    def relu_grad(self, x: Any, dy: Any, dx: Any, slope: float = 0.0) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy."""
        self.launch("relu_grad", x.size, x.size, x, dy, dx, slope)
