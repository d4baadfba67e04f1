"""Training from a recorded graph, compared with training layer by layer."""

from typing import Any

import numpy

from caffe_lite.backend.gpu.capture import GpuRecording
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from tools.gpu import nets
from tools.gpu.context import Context

ITERATIONS = 8
RULES = {
    "SGD": "",
    "Adam": 'type: "Adam" momentum2: 0.99 delta: 0.001',
    "AdaDelta": 'type: "AdaDelta" delta: 0.001',
}


def run(context: Context) -> None:
    small = context.small
    # Each with its number of classes or ids.
    definitions = {
        "lenet": (nets.lenet(2, 16) if small else nets.lenet(32), 10),
        "captioner": (
            nets.captioner(3, 4, 50, 16) if small else nets.captioner(6, 10, 200, 64),
            50,
        ),
    }
    if not small:
        definitions["activity"] = (nets.activity(4, 2), 101)
    for name, (definition, classes) in definitions.items():
        for rule, more in (
            RULES.items() if name == "lenet" else [("SGD, clipped", "clip_gradients: 1")]
        ):
            context.attempt(
                f"{name}, {rule}",
                _same,
                context,
                definition,
                classes,
                more,
            )


def _same(context: Context, definition: str, classes: int, more: str) -> str:
    """Train twice from one seed, with and without recording; the largest difference of a weight."""
    trained = [_train(context, definition, classes, more, recorded) for recorded in (False, True)]
    worst = 0.0
    for eager, replayed in zip(*trained, strict=True):
        scale = max(1e-6, float(numpy.abs(eager).max()))
        worst = max(worst, float(numpy.abs(eager - replayed).max()) / scale)
    # The order of atomic additions varies, even between two eager runs.
    if not worst < 1e-9:
        raise AssertionError(f"recorded and eager training differ by {worst:.1e}")
    return f"difference {worst:.1e}"


def _train(
    context: Context, definition: str, classes: int, more: str, recorded: bool
) -> list[numpy.ndarray]:
    ops = context.ops("float64")
    # A changing rate shows whether the graph reads it at each replay.
    settings = f'base_lr: 0.01 lr_policy: "inv" gamma: 0.1 power: 0.75 {_momentum(more)} '
    settings += f"weight_decay: 0.0005 random_seed: 5 {more}"
    param = text.parse(f"{settings} net_param {{ {definition} }}", schema.SolverParameter)
    with get_solver(param, ops) as solver:
        record_or_not(solver, recorded)
        for iteration in range(ITERATIONS):
            nets.fill_inputs(solver.net, classes, seed=iteration)
            solver.step(1)
        if recorded and not is_recorded(solver):
            raise AssertionError("the iteration was not recorded")
        return [ops.to_host(blob.data) for blob in solver.net.learnable_params]


def _momentum(more: str) -> str:
    return "momentum: 0.95" if "AdaDelta" in more else "momentum: 0.9"


def record_or_not(solver: Any, recorded: bool) -> None:
    """Let the solver record its iteration, or not."""
    if not recorded:
        solver._recorded._capture = None


def is_recorded(solver: Any) -> bool:
    return isinstance(solver._recorded._recording, GpuRecording)
