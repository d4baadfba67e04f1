"""Adam: running means of the gradient and of its square, both corrected for their start at zero."""

from typing import Any

from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register


@register("Adam")
class AdamSolver(Solver):
    """m = momentum m + (1 - momentum) g; v = momentum2 v + (1 - momentum2) g^2;
    w -= rate sqrt(1 - momentum2^t) / (1 - momentum^t) m / (sqrt(v) + delta).

    Kingma and Ba, ICLR 2015; t counts iterations from 1. The history holds every m, then every v.
    """

    histories = 2

    def _check_rule(self) -> None:
        for name in ("momentum", "momentum2"):
            value = getattr(self.param, name)
            if not 0 <= value < 1:
                raise self._fail(f"Adam needs {name} in [0, 1), got {value:g}")

    def hyper(self) -> dict[str, Any]:
        return {
            "momentum": self.param.momentum,
            "momentum2": self.param.momentum2,
            "delta": self.param.delta,
            "iteration": self.iter,
        }
