"""Training with early stopping: the weights with the best validation score are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from caffe_lite.backend import Ops
from caffe_lite.proto import load
from caffe_lite.solvers import events, get_solver
from caffe_lite.solvers.base import Listener, Request, Solver
from caffe_lite.weights import write_caffemodel


@dataclass
class Best:
    """A listener that keeps the weights of the best test, and stops after `patience` worse ones.

    Of equal accuracies the one with the lower loss is better.
    """

    path: str
    patience: int
    solver: Solver | None = None
    iteration: int = 0
    accuracy: float = -1.0
    loss: float = float("inf")
    tests: int = 0
    waited: int = 0
    tell: Callable[[str], None] = field(default=lambda line: None)

    def __call__(self, event: events.Event) -> None:
        if not isinstance(event, events.TestDone) or self.solver is None:
            return
        values = {output.name: output.value for output in event.outputs}
        accuracy, loss = values["accuracy"], values["loss"]
        self.tests += 1
        better = (accuracy, -loss) > (self.accuracy, -self.loss)
        if better:
            self.iteration, self.accuracy, self.loss, self.waited = (
                event.iteration,
                accuracy,
                loss,
                0,
            )
            write_caffemodel(self.solver.net, self.path)
        else:
            self.waited += 1
        mark = "  best so far" if better else ""
        self.tell(f"iteration {event.iteration}: validation accuracy {accuracy:.4f}{mark}")

    @property
    def is_enough(self) -> bool:
        """Whether the last `patience` tests were no better."""
        return self.waited >= self.patience


def train(
    solver_path: str,
    ops: Ops,
    weights: str | None,
    best: Best,
    listeners: list[Listener],
    request: Request,
    record: Callable[[Solver], Listener] | None = None,
) -> Solver:
    """Train as the solver in a file says, until max_iter, a request to stop, or `best.is_enough`.

    No snapshot is taken at the end: the best weights are kept. `record` makes a listener that needs
    the solver. Returns the closed solver.
    """
    param = load.load_solver(solver_path)
    param.snapshot_after_train = False
    if weights:
        param.weights.append(weights)

    def stop_or_request() -> Literal["stop", "snapshot"] | None:
        if best.is_enough:
            best.waited = 0
            return "stop"
        return request()

    solver = get_solver(
        param, ops, path=solver_path, listeners=[*listeners, best], request=stop_or_request
    )
    best.solver = solver
    if record is not None:
        solver.listeners.append(record(solver))
    try:
        solver.solve()
    finally:
        solver.close()
        best.solver = None
    return solver
