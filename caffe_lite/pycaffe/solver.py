"""pycaffe's solvers: `get_solver(file)`, `SGDSolver(file)` and the other rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from caffe_lite import solvers
from caffe_lite.proto import load
from caffe_lite.pycaffe import mode
from caffe_lite.pycaffe.net import Net


class Solver:
    """A solver built from a solver prototxt; `net` and `test_nets` are pycaffe nets."""

    rule: ClassVar[str | None] = None  # replaces the prototxt's `type`

    def __init__(self, solver_file: str | Path) -> None:
        param = load.load_solver(solver_file)
        if self.rule is not None:
            param.type = self.rule
        seed = mode.current_seed()
        if seed is not None and param.random_seed < 0:
            param.random_seed = seed
        self.core = solvers.get_solver(param, mode.current_ops(), path=solver_file, on_nan="warn")
        self.net = Net.wrap(self.core.net)
        self.test_nets = [Net.wrap(net) for net in self.core.test_nets]
        for net in self.test_nets:  # they share the learned blobs of `net`
            net._host.join(self.net._host)

    @property
    def iter(self) -> int:
        return self.core.iter

    @property
    def lr(self) -> float:
        """The learning rate of the current iteration."""
        return self.core.learning_rate()

    @property
    def param(self) -> Any:
        return self.core.param

    def step(self, iterations: int) -> None:
        """Train for this many iterations, with the displays, tests and snapshots that are due.

        A displayed loss that is NaN or infinite is logged as a warning, with the first layer and
        blob that has such a value; no snapshot is taken of such weights.
        """
        self._flush()
        self.core.step(iterations)

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Train to max_iter, from a snapshot if one is given."""
        self._flush()
        self.core.solve(resume_file)

    def snapshot(self) -> None:
        """Write the weights and the solver state of this iteration."""
        self._flush()
        self.core.snapshot()

    def restore(self, path: str | Path) -> None:
        """Continue from a .solverstate or .solverstate.h5."""
        self._flush()
        self.core.restore(path)

    def apply_update(self) -> None:
        """Update the learned blobs from their current diffs."""
        self._flush()
        self.core.apply_update()

    def share_weights(self, net: Net) -> None:
        """Make `net` share this solver's learned blobs."""
        net.share_with(self.net)

    def add_callback(
        self, on_start: Callable[[], None], on_gradients_ready: Callable[[], None]
    ) -> None:
        """Call these at the start of each iteration and before each update."""
        self.core.on_start.append(on_start)
        self.core.on_gradients_ready.append(on_gradients_ready)

    def _flush(self) -> None:
        for net in (self.net, *self.test_nets):
            net._host.flush()


def get_solver(solver_file: str | Path) -> Solver:
    """The solver that the prototxt describes."""
    return Solver(solver_file)


class SGDSolver(Solver):
    rule = "SGD"


class NesterovSolver(Solver):
    rule = "Nesterov"


class AdaGradSolver(Solver):
    rule = "AdaGrad"


class RMSPropSolver(Solver):
    rule = "RMSProp"


class AdaDeltaSolver(Solver):
    rule = "AdaDelta"


class AdamSolver(Solver):
    rule = "Adam"
