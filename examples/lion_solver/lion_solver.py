"""Lion: steps of one size for all weights, in the direction of a running mean of the gradient."""

from typing import Any

from caffe_lite.solvers import Solver

Array = Any


class LionSolver(Solver):
    """c = momentum m + (1 - momentum) g; w -= rate (sign(c) + weight_decay w);
    m = momentum2 m + (1 - momentum2) g.

    Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv 2302.06675 (2023), which
    takes momentum 0.9 and momentum2 0.99, a rate 3 to 10 times smaller than Adam's, and a weight
    decay larger by the same factor. The history holds every m.
    """

    decoupled_decay = True

    @staticmethod
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        (m,) = history
        c = hyper.momentum * m + (1 - hyper.momentum) * g
        m[...] = hyper.momentum2 * m + (1 - hyper.momentum2) * g
        return rate * xp.sign(c)

    def check_rule(self) -> None:
        for name in ("momentum", "momentum2"):
            value = getattr(self.param, name)
            if not 0 <= value < 1:
                raise self.fail(f"Lion needs {name} in [0, 1), got {value:g}")
