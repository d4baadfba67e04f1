"""Testing a net: its outputs averaged over batches."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import SolverError
from caffe_lite.nets.net import Net
from caffe_lite.solvers import events
from caffe_lite.solvers.detection import DetectionScores, detects
from caffe_lite.types import Array, State

if TYPE_CHECKING:
    from caffe_lite.solvers.base import Solver


class Tester:
    """Tests a solver's test nets, and answers requests between batches.

    When a request stops a test, the data positions and random numbers of the nets are set back to
    those before it, and a snapshot taken during a test holds those too: a resumed run repeats the
    whole test.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self._before: list[State] | None = None

    def states(self) -> list[State]:
        """The state of each test net for a snapshot."""
        return self._now() if self._before is None else self._before

    def _now(self) -> list[State]:
        return [net.get_state() for net in self.solver.test_nets]

    def run(self) -> None:
        """Test every net in turn."""
        solver = self.solver
        before = self._before = self._now()
        try:
            for i in range(len(solver.test_nets)):
                if not solver.stopped:
                    self._test(i)
            if solver.stopped:
                for net, state in zip(solver.test_nets, before, strict=True):
                    net.set_state(state)
        finally:
            self._before = None

    def _test(self, index: int) -> None:
        """Test one net over its test_iter batches; sums stay on the device until the end."""
        solver, net = self.solver, self.solver.test_nets[index]
        batches, with_loss = solver.param.test_iter[index], solver.param.test_compute_loss
        solver.emit(events.TestStarted(solver.iter, index))
        net.share_trained_layers_with(solver.net)
        started = perf_counter()
        param = solver.param
        detection = DetectionScores(net, param.ap_version) if detects(param) else None
        sums: dict[str, Array] = {}
        loss: Any = 0.0
        for _ in range(batches):
            self._poll()
            if solver.stopped:
                solver.emit(events.TestInterrupted(solver.iter, index))
                return
            net.forward()
            if with_loss:
                loss = loss + net.loss()
            if detection is None:
                _add_outputs(net, sums)
            else:
                detection.add()
        mean_loss = float(loss) / batches if with_loss and batches else None
        classes: tuple[events.ClassPrecision, ...] = ()
        if detection is None:
            outputs = _outputs(net, sums, batches)
        else:
            outputs, classes = detection.results()
        solver.emit(
            events.TestDone(
                solver.iter,
                index,
                batches,
                perf_counter() - started,
                outputs,
                mean_loss,
                classes if param.show_per_class_result else (),
            )
        )

    def _poll(self) -> None:
        """Answer the requests that have come in."""
        requests = self.solver.poll()
        if "snapshot" in requests:
            self.solver.automatic_snapshot()
        self.solver.stopped = "stop" in requests


def _add_outputs(net: Net, sums: dict[str, Array]) -> None:
    for name in net.outputs:
        data = net.blobs[name].data
        if name not in sums:
            sums[name] = data.copy()
        elif sums[name].shape == data.shape:
            sums[name] += data
        else:
            raise SolverError(
                f'net "{net.name}": test output "{name}" is {data.shape} after '
                f"{sums[name].shape}; outputs that change shape have no mean"
            )


def outputs_of(net: Net) -> tuple[events.Output, ...]:
    """The current values of a net's outputs; waits for the device."""
    return _outputs(net, {name: net.blobs[name].data for name in net.outputs}, 1)


def _outputs(net: Net, sums: dict[str, Array], batches: int) -> tuple[events.Output, ...]:
    weights = net.blob_loss_weights
    found: list[events.Output] = []
    for name, array in sums.items():
        for value in net.ops.to_host(array).reshape(-1):
            found.append(events.Output(len(found), name, float(value) / batches, weights[name]))
    return tuple(found)
