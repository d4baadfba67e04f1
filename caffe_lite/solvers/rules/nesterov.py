"""Nesterov's accelerated gradient."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("Nesterov")
class NesterovSolver(Solver):
    """h' = rate g + momentum h; w -= (1 + momentum) h' - momentum h.

    Sutskever et al., ICML 2013.
    """

    skips_frozen_blobs = True

    @staticmethod
    @accelerated("Nesterov")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        (h,) = history
        before = h.copy()
        h[...] = rate * g + hyper.momentum * h
        return (1 + hyper.momentum) * h - hyper.momentum * before
