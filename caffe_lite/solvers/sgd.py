"""Stochastic gradient descent with momentum."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("SGD")
class SGDSolver(Solver):
    """h = rate g + momentum h; w -= h."""

    rests = True

    def hyper(self) -> dict[str, Any]:
        return {"momentum": self.param.momentum}
