"""AdaDelta: steps of the size of earlier steps."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("AdaDelta")
class AdaDeltaSolver(Solver):
    """h = momentum h + (1 - momentum) g^2; u = g sqrt((s + delta) / (h + delta));
    s = momentum s + (1 - momentum) u^2; w -= rate u.

    Zeiler, arXiv 1212.5701 (2012). The history holds every h, then every s.
    """

    histories = 2

    def hyper(self) -> dict[str, Any]:
        return {"momentum": self.param.momentum, "delta": self.param.delta}
