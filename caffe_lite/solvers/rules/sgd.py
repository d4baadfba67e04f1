"""Stochastic gradient descent with momentum."""

from typing import Any

from caffe_lite.backend.rules import accelerated
from caffe_lite.solvers.base import Solver
from caffe_lite.solvers.registry import register
from caffe_lite.types import Array


@register("SGD")
class SGDSolver(Solver):
    """h = rate g + momentum h; w -= h."""

    skips_frozen_blobs = True

    @staticmethod
    @accelerated("SGD")
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        (h,) = history
        h[...] = rate * g + hyper.momentum * h
        return h
