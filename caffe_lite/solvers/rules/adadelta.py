"""AdaDelta: steps scaled by the size of earlier steps."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("AdaDelta")
class AdaDeltaSolver(Solver):
    """h = momentum h + (1 - momentum) g^2; u = g sqrt((s + delta) / (h + delta));
    s = momentum s + (1 - momentum) u^2; w -= rate u.

    Zeiler, arXiv 1212.5701 (2012). The history holds every h, then every s.
    """

    histories = 2

    @staticmethod
    @accelerated("AdaDelta")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        squares, steps = history
        squares[...] = (1 - hyper.momentum) * (g * g) + hyper.momentum * squares
        u = g * xp.sqrt((steps + hyper.delta) / (squares + hyper.delta))
        steps[...] = (1 - hyper.momentum) * (u * u) + hyper.momentum * steps
        return rate * u
