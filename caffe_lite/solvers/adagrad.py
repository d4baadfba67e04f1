"""AdaGrad: a rate for each weight, from the sum of its squared gradients."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("AdaGrad")
class AdaGradSolver(Solver):
    """h += g^2; w -= rate g / (sqrt(h) + delta).

    Duchi, Hazan and Singer, JMLR 12 (2011).
    """

    def _check_rule(self) -> None:
        if self.param.momentum:
            raise self._fail(
                f"AdaGrad takes no momentum, got {self.param.momentum:g}; leave it out"
            )

    def hyper(self) -> dict[str, Any]:
        return {"delta": self.param.delta}
