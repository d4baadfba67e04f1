"""Testing a net: its outputs averaged over batches."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import SolverError
from caffe_lite.net import Net
from caffe_lite.solvers import events

if TYPE_CHECKING:
    from caffe_lite.solvers.base import Solver

Array = Any


def run_test(solver: Solver, index: int) -> None:
    """Test one net over its test_iter batches, sums staying on the device until the end."""
    net, batches = solver.test_nets[index], solver.param.test_iter[index]
    solver.emit(events.TestStarted(solver.iter, index))
    net.share_trained_layers_with(solver.net)
    started = perf_counter()
    sums: dict[str, Array] = {}
    loss: Any = 0.0
    for _ in range(batches):
        solver.poll()
        if solver.stopped:
            solver.emit(events.TestInterrupted(solver.iter, index))
            return
        net.forward()
        if solver.param.test_compute_loss:
            loss = loss + net.loss()
        _add_outputs(net, sums)
    mean_loss = float(loss) / batches if solver.param.test_compute_loss and batches else None
    outputs = _outputs(net, sums, batches)
    solver.emit(events.TestDone(solver.iter, index, batches, perf_counter() - started, outputs,
                                mean_loss))


def _add_outputs(net: Net, sums: dict[str, Array]) -> None:
    for name in net.outputs:
        data = net.blobs[name].data
        if name not in sums:
            sums[name] = data.copy()
        elif sums[name].shape == data.shape:
            sums[name] += data
        else:
            raise SolverError(f'net "{net.name}": test output "{name}" is {data.shape} after '
                              f"{sums[name].shape}; outputs that change shape have no mean")


def outputs_of(net: Net) -> tuple[events.Output, ...]:
    """The present values of a net's outputs; waits for the device."""
    return _outputs(net, {name: net.blobs[name].data for name in net.outputs}, 1)


def _outputs(net: Net, sums: dict[str, Array], batches: int) -> tuple[events.Output, ...]:
    weights = net.blob_loss_weights
    found: list[events.Output] = []
    for name, array in sums.items():
        for value in net.ops.to_host(array).reshape(-1):
            found.append(events.Output(len(found), name, float(value) / batches, weights[name]))
    return tuple(found)
