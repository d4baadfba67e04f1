"""Shows a solver's events as Caffe's log lines, JSON lines, and one live line on a terminal."""

import logging
from dataclasses import asdict
from time import perf_counter

from caffe_lite.cli.event_log import EventLog
from caffe_lite.cli.log import LiveHandler
from caffe_lite.solvers import Solver
from caffe_lite.solvers import events as ev

solver_log = logging.getLogger("caffe_lite.solver")
sgd_log = logging.getLogger("caffe_lite.sgd_solver")


class SolverLog:
    """A listener for a solver: call it with each event.

    With `solver` set, the live line has the images per second, where the net's data are images.
    """

    def __init__(self, live: LiveHandler, events: EventLog, max_iter: int) -> None:
        self.live, self.events = live, events
        self.max_iter = max_iter
        self.solver: Solver | None = None
        self._loss = ""
        self._begin: tuple[int, float] | None = None
        self._shown = 0.0

    def __call__(self, event: ev.Event) -> None:
        if isinstance(event, ev.IterationDone):
            self._show(event.iteration)
            return
        for line, log in _lines(event):
            log.info("%s", line)
        if not isinstance(event, ev.RateDisplayed):  # the record "train" has the rate
            name, fields = _record(event)
            self.events.write(name, **fields)
        if isinstance(event, ev.IterationDisplayed):
            self._loss = f"  loss {event.loss:.4g}  lr {event.learning_rate:.3g}"

    def _show(self, iteration: int) -> None:
        now = perf_counter()
        if self._begin is None:
            self._begin = iteration, now
        if not self.live.is_live or now - self._shown < 0.1:
            return
        self._shown = now
        first, begin = self._begin
        rate = (iteration - first) / max(now - begin, 1e-9)
        left = (self.max_iter - iteration) / rate if rate else 0
        images = images_per_iteration(self.solver) if self.solver else 0
        speed = f"{rate * images:.3g} images/s" if images else f"{rate:.3g} iter/s"
        self.live.show(
            f"iteration {iteration} of {self.max_iter}{self._loss}  {speed}  "
            f"{int(left // 60)}:{int(left % 60):02d} left"
        )


def images_per_iteration(solver: Solver) -> int:
    """The images, of all iter_size batches, that an update learns from; 0 for other data."""
    net = solver.net
    for bottoms, tops in zip(net.bottom_vecs, net.top_vecs, strict=True):
        if tops and not bottoms and len(tops[0].shape) == 4:
            return tops[0].shape[0] * solver.param.iter_size
    return 0


def _lines(event: ev.Event) -> list[tuple[str, logging.Logger]]:
    """The lines that Caffe prints for an event, each with its logger."""
    log = solver_log
    match event:
        case ev.NetCreating(source, None):
            kind = "from" if "file" in source else "specified in"
            return [(f"Creating training net {kind} {source}", log)]
        case ev.NetCreating(source, index):
            return [(f"Creating test net (#{index}) specified by {source}", log)]
        case ev.WeightsCopied(path, report):
            return [
                (f"Finetuning from {path}", log),
                *((line, log) for line in report.splitlines()),
            ]
        case ev.SolvingStarted():
            return [
                (f"Solving {event.net}", log),
                (f"Learning Rate Policy: {event.lr_policy}", log),
            ]
        case ev.Restored(path, iteration, exact):
            note = (
                ""
                if exact
                else (
                    " (it has no data position or random state: the data starts from the beginning)"
                )
            )
            return [(f"Restored iteration {iteration} from {path}{note}", log)]
        case ev.IterationDisplayed():
            rate = event.iterations / event.seconds if event.seconds else 0.0
            first = (
                f"Iteration {event.iteration} ({rate:g} iter/s, {event.seconds:g}s/"
                f"{event.display} iters), loss = {event.loss:g}"
            )
            return [
                (first, log),
                *_outputs("Train", event.outputs),
            ]
        case ev.RateDisplayed(iteration, rate):
            return [(f"Iteration {iteration}, lr = {rate:g}", sgd_log)]
        case ev.GradientsClipped(_, norm, scale):
            return [
                (
                    f"Gradient clipping: scaling down gradients (L2 norm {norm:g} > "
                    f"{norm * scale:g}) by scale factor {scale:g}",
                    sgd_log,
                )
            ]
        case ev.LearningRateStepped(iteration, step, policy):
            name = "Plateau" if policy == "plateau" else "MultiStep"
            return [(f"{name} Status: Iteration {iteration}, step = {step}", sgd_log)]
        case ev.TestStarted(iteration, index):
            return [(f"Iteration {iteration}, Testing net (#{index})", log)]
        case ev.TestDone():
            loss = [] if event.loss is None else [(f"Test loss: {event.loss:g}", log)]
            return [*loss, *_test_outputs(event)]
        case ev.TestInterrupted():
            return [("Test interrupted.", log)]
        case ev.Snapshotting("weights", path, hdf5):
            return [(f"Snapshotting to {'HDF5' if hdf5 else 'binary proto'} file {path}", log)]
        case ev.Snapshotting(_, path, hdf5):
            kind = "HDF5" if hdf5 else "binary proto"
            return [(f"Snapshotting solver state to {kind} file {path}", sgd_log)]
        case ev.FinalLoss(iteration, loss):
            return [(f"Iteration {iteration}, loss = {loss:g}", log)]
        case ev.SolvingDone(_, early):
            return [("Optimization stopped early." if early else "Optimization Done.", log)]
    return []


def _outputs(net: str, outputs: tuple[ev.Output, ...]) -> list[tuple[str, logging.Logger]]:
    lines = []
    for output in outputs:
        weight = output.loss_weight
        note = f" (* {weight:g} = {weight * output.value:g} loss)" if weight else ""
        lines.append(
            (
                f"    {net} net output #{output.index}: {output.name} = {output.value:g}{note}",
                solver_log,
            )
        )
    return lines


def _test_outputs(event: ev.TestDone) -> list[tuple[str, logging.Logger]]:
    """The lines of a test's outputs, those of classes of detections before their mean."""
    lines = []
    for line, output in zip(_outputs("Test", event.outputs), event.outputs, strict=True):
        for each in event.class_precisions:
            if each.name == output.name:
                lines.append((f"class{each.label}: {each.value:g}", solver_log))
        lines.append(line)
    return lines


_NAMES = {
    ev.IterationDisplayed: "train",
    ev.TestDone: "test",
    ev.Snapshotted: "snapshot",
    ev.SolvingStarted: "start",
    ev.SolvingDone: "done",
    ev.FinalLoss: "final_loss",
    ev.Restored: "restore",
    ev.GradientsClipped: "clip",
    ev.NetCreating: "net",
    ev.WeightsCopied: "weights",
    ev.LearningRateStepped: "lr_step",
    ev.TestStarted: "test_start",
    ev.TestInterrupted: "test_interrupted",
    ev.Snapshotting: "snapshotting",
    ev.LossNotFinite: "loss_not_finite",
    ev.SnapshotRefused: "snapshot_refused",
}


def _record(event: ev.Event) -> tuple[str, dict[str, object]]:
    fields = asdict(event)
    if isinstance(event, (ev.IterationDisplayed, ev.TestDone)):
        values: dict[str, list[float]] = {}
        for output in event.outputs:
            values.setdefault(output.name, []).append(output.value)
        fields["outputs"] = values
        fields["loss_weights"] = {
            output.name: output.loss_weight for output in event.outputs if output.loss_weight
        }
    if isinstance(event, ev.TestDone):
        del fields["class_precisions"]
        if event.class_precisions:
            fields["classes"] = [
                [each.name, each.label, each.value] for each in event.class_precisions
            ]
    return _NAMES[type(event)], fields
