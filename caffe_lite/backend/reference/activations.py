"""Rectified linear units."""

from typing import Any

from .base import OpsBase


class ActivationOps(OpsBase):
    """The activation that nets spend their time in; layers write the others with `xp`."""

    def relu(self, x: Any, y: Any, slope: float = 0.0) -> None:
        """y = x where x > 0, else slope * x; y may be x. NaN stays NaN."""
        negative = slope * self.xp.minimum(x, 0) if slope else None
        self.xp.maximum(x, 0, out=y)
        if negative is not None:
            y += negative

    def relu_grad(self, x: Any, dy: Any, dx: Any, slope: float = 0.0) -> None:
        """dx = dy * (1 where x > 0, slope where x <= 0); dx may be dy.

        x may be the output of `relu` in place of its input where slope >= 0.
        """
        factor = x > 0
        if slope:
            factor = factor.astype(self.dtype) + slope * (x <= 0).astype(self.dtype)
        self.xp.multiply(dy, factor, out=dx)
