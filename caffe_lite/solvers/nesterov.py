"""Nesterov's accelerated gradient."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("Nesterov")
class NesterovSolver(Solver):
    """h' = rate g + momentum h; w -= (1 + momentum) h' - momentum h.

    Sutskever et al., ICML 2013.
    """

    rests = True

    def hyper(self) -> dict[str, Any]:
        return {"momentum": self.param.momentum}
