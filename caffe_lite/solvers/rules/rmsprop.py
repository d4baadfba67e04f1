"""RMSProp: the gradient divided by a running mean of its magnitude."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("RMSProp")
class RMSPropSolver(Solver):
    """h = rms_decay h + (1 - rms_decay) g^2; w -= rate g / (sqrt(h) + delta).

    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """

    @staticmethod
    @accelerated("RMSProp")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        (h,) = history
        h[...] = (1 - hyper.rms_decay) * (g * g) + hyper.rms_decay * h
        return rate * (g / (xp.sqrt(h) + hyper.delta))

    def check_rule(self) -> None:
        if self.param.momentum:
            raise self.fail(
                f"RMSProp takes no momentum, got {self.param.momentum:g}; leave it "
                "out (rms_decay sets its memory)"
            )
        if not 0 <= self.param.rms_decay < 1:
            raise self.fail(f"rms_decay must be in [0, 1), got {self.param.rms_decay:g}")
