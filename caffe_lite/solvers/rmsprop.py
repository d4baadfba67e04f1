"""RMSProp: the gradient divided by a running mean of its magnitude."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("RMSProp")
class RMSPropSolver(Solver):
    """h = rms_decay h + (1 - rms_decay) g^2; w -= rate g / (sqrt(h) + delta).

    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """

    def _check_rule(self) -> None:
        if self.param.momentum:
            raise self._fail(
                f"RMSProp takes no momentum, got {self.param.momentum:g}; leave it "
                "out (rms_decay sets its memory)"
            )
        if not 0 <= self.param.rms_decay < 1:
            raise self._fail(f"rms_decay must be in [0, 1), got {self.param.rms_decay:g}")

    def hyper(self) -> dict[str, Any]:
        return {"rms_decay": self.param.rms_decay, "delta": self.param.delta}
