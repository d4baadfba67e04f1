"""Adam: running means of the gradient and of its square, corrected for their start at zero."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("Adam")
class AdamSolver(Solver):
    """m = momentum m + (1 - momentum) g; v = momentum2 v + (1 - momentum2) g^2;
    w -= rate sqrt(1 - momentum2^t) / (1 - momentum^t) m / (sqrt(v) + delta).

    Kingma and Ba, ICLR 2015; t counts iterations from 1. The history holds every m, then every v.
    """

    histories = 2

    @staticmethod
    @accelerated("Adam")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        m, v = history
        m[...] = (1 - hyper.momentum) * g + hyper.momentum * m
        v[...] = (1 - hyper.momentum2) * (g * g) + hyper.momentum2 * v
        t = hyper.iteration + 1
        correction = (1 - hyper.momentum2**t) ** 0.5 / (1 - hyper.momentum**t)
        return rate * correction * (m / (xp.sqrt(v) + hyper.delta))

    def check_rule(self) -> None:
        for name in ("momentum", "momentum2"):
            value = getattr(self.param, name)
            if not 0 <= value < 1:
                raise self.fail(f"Adam needs {name} in [0, 1), got {value:g}")
