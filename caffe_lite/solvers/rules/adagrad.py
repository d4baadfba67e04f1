"""AdaGrad: a rate for each weight, from the sum of its squared gradients."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("AdaGrad")
class AdaGradSolver(Solver):
    """h += g^2; w -= rate g / (sqrt(h) + delta).

    Duchi, Hazan and Singer, JMLR 12 (2011).
    """

    @staticmethod
    @accelerated("AdaGrad")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        (h,) = history
        h += g * g
        return rate * (g / (xp.sqrt(h) + hyper.delta))

    def check_rule(self) -> None:
        if self.param.momentum:
            raise self.fail(f"AdaGrad takes no momentum, got {self.param.momentum:g}; leave it out")
