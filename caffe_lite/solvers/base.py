"""Solver: trains a net, tests, displays and snapshots on the way."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, ClassVar, Literal

from caffe_lite.backend import UpdateRule
from caffe_lite.blob import Blob
from caffe_lite.errors import SolverError
from caffe_lite.proto.files import StrPath
from caffe_lite.solvers import events, snapshot, snapshot_files
from caffe_lite.solvers.checks import check_prefix, check_solver
from caffe_lite.solvers.evaluation import Tester, outputs_of
from caffe_lite.solvers.lock import PrefixLock
from caffe_lite.solvers.loss_window import LossWindow
from caffe_lite.solvers.lr_policy import learning_rate
from caffe_lite.solvers.nan_guard import NanGuard, OnNan
from caffe_lite.solvers.nets import build_nets
from caffe_lite.solvers.plateau import Plateau
from caffe_lite.solvers.recorded import RecordedIteration
from caffe_lite.solvers.schedules import momentum, weight_decay
from caffe_lite.solvers.update import Updater
from caffe_lite.types import Array

Listener = Callable[[Any], None]
Request = Callable[[], Literal["stop", "snapshot"] | None]


class Solver:
    """Base of all solvers: everything but the arithmetic of the update.

    `param` is an upgraded SolverParameter, `path` the file that it came from (for errors, and for
    nets named relative to it), `ops` the device and element type. Each of `listeners` is called
    with the events of `caffe_lite.solvers.events`. `request` is polled after each iteration and
    before each test batch, until it returns None or "stop"; otherwise it returns "snapshot".
    `on_nan` says what a loss or weights that are not finite lead to; see `NanGuard`.

    Of the snapshots, the last `keep` remain (default: all), and those of iterations that
    `keep_every` divides. While `solve` runs, no other process may write under the same
    snapshot_prefix, unless with `force`.

    `net` is the train net, `test_nets` share its weights; `iter` counts updates. Errors are
    SolverError, or what building a net raises, in one line.
    """

    type: ClassVar[str] = ""  # set by @register
    histories: ClassVar[int] = 1  # arrays that the rule keeps for each learned blob
    # Apply weight decay to the weights, as rate * decay * weights, instead of to the gradient.
    decoupled_decay: ClassVar[bool] = False
    # An all-zero history stays zero when lr_mult is 0, so the blob can be skipped.
    skips_frozen_blobs: ClassVar[bool] = False

    def __init__(
        self,
        param: Any,
        ops: Any,
        *,
        path: StrPath | None = None,
        listeners: Iterable[Listener] = (),
        request: Request | None = None,
        unknown: Literal["error", "warn"] = "error",
        on_nan: OnNan = "stop",
        keep: int | None = None,
        keep_every: int = 0,
        force: bool = False,
    ) -> None:
        self.param, self.ops = param, ops
        self.keep, self.keep_every, self.force = keep, keep_every, force
        self.path = None if path is None else str(path)
        self.listeners = list(listeners)
        self.request = request
        self.on_start: list[Callable[[], None]] = []
        self.on_gradients_ready: list[Callable[[], None]] = []
        self.iter = self.current_step = 0
        self.stopped = False
        check_solver(param, self.place)
        self.check_rule()
        if param.snapshot:
            self._check_prefix()
        seed = param.random_seed if param.random_seed >= 0 else secrets.randbits(31)
        self.net, self.test_nets = build_nets(param, ops, seed, self.path, unknown, self.emit)
        self.nan_guard = NanGuard(self, on_nan)
        self._tester = Tester(self)
        rule = UpdateRule(self.rule, self.histories, self.decoupled_decay)
        self.updater = Updater(self.net, ops, rule, self.skips_frozen_blobs, param)
        self._recorded = RecordedIteration(self.net, self._update, self._constants)
        self._rate, self._rate_of = 0.0, -1  # the learning rate, and of which iteration it is
        self._stepped: events.LearningRateStepped | None = None  # not emitted yet
        self._losses = LossWindow(ops, param.average_loss)
        self._losses_restored = False
        self.plateau = Plateau()
        self._displayed = (0, perf_counter())

    @property
    def place(self) -> str:
        """What errors about the parameters begin with: the solver's file, if known."""
        return self.path or "solver"

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: iteration {self.iter} of {self.param.max_iter}, {self.net!r}>"
        )

    def fail(self, text: str) -> SolverError:
        """A SolverError that names the solver's file."""
        return SolverError(f"{self.place}: {text}")

    def check_rule(self) -> None:
        """Raise SolverError for parameters that the update rule cannot take."""

    @staticmethod
    def rule(xp: Any, g: Array, history: list[Array], rate: Any, hyper: Any) -> Array:
        """The update of one learned blob: returns the step, which is subtracted from the blob.

        `g` is the gradient: clipped, divided by iter_size, with the weight decay added (but for
        `decoupled_decay`). `history` lists `histories` arrays, zeros at first, which the rule
        brings up to date in place. All have the blob's shape and the net's element type, on the
        device of `xp`. `rate` is the learning rate times the blob's lr_mult; `hyper` has what
        `hyper()` returns as attributes.

        The rule is a function of its arguments alone, without branches on `rate` and
        `hyper.iteration`: on a GPU these are 0-d arrays that a recorded iteration reads again
        at each replay, and so is whatever is computed from them.
        """
        raise NotImplementedError

    def hyper(self) -> dict[str, Any]:
        """What the rule reads besides the rate, for this iteration.

        These are the fields of SolverParameter that are made for it; `iteration`, from 0, is added.
        A solver may add values of its own. One that changes from update to update keeps a GPU from
        recording whole iterations; derive it from `iteration` in the rule instead.
        """
        param = self.param
        return {
            "momentum": momentum(param, self.iter, self.learning_rate()),
            "momentum2": param.momentum2,
            "delta": param.delta,
            "rms_decay": param.rms_decay,
        }

    def _constants(self) -> list[Any]:
        """The settings that a recorded update holds fixed."""
        param = self.param
        decay = weight_decay(param, self.iter), param.regularization_type
        return [*decay, param.clip_gradients, self.hyper()]

    @property
    def snapshot_prefix(self) -> str:
        return self.param.snapshot_prefix or self.net.name or "net"

    def _check_prefix(self) -> None:
        if self.param.snapshot and not self.param.HasField("snapshot_prefix"):
            raise self.fail("snapshot is given, but snapshot_prefix is not")
        check_prefix(self.param.snapshot_prefix, self.place)

    def emit(self, event: events.Event) -> None:
        for listener in self.listeners:
            listener(event)

    def close(self) -> None:
        """Stop the nets' threads and release their memory."""
        for net in (self.net, *self.test_nets):
            net.close()

    def __enter__(self) -> Solver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Training

    def step(self, iterations: int) -> None:
        """Train for `iterations`, or until a request stops it (`stopped` is then True)."""
        if not self._losses_restored:
            self._losses.clear()
        self._losses_restored = self.stopped = False
        self._displayed = (self.iter, perf_counter())
        last = self.iter + iterations
        while self.iter < last and not self.stopped:
            self._iterate()

    def _iterate(self) -> None:
        param = self.param
        if self._test_due() and (self.iter or param.test_initialization):
            self.test_all()
            if self.stopped:
                return
        for call in self.on_start:
            call()
        self.net.debug_info = _due(self.iter, param.display) and param.debug_info
        if not self._replay():
            self._losses.add(self._forward_backward())
            if _due(self.iter, param.display):
                self._display()
            for call in self.on_gradients_ready:
                call()
            self.apply_update()
        self.emit(events.IterationDone(self.iter))
        requests = self.poll()
        if _due(self.iter, param.snapshot) or "snapshot" in requests:
            self.automatic_snapshot()
        self.stopped = "stop" in requests

    def _test_due(self) -> bool:
        return _due(self.iter - self.param.test_offset, self.param.test_interval)

    def poll(self) -> set[str]:
        """The requests that have come in since the last call: "stop", "snapshot", both or none."""
        found: set[str] = set()
        while self.request is not None and "stop" not in found:
            request = self.request()
            if request is None or request in found:
                break
            found.add(request)
        return found

    def _replay(self) -> bool:
        """Run this iteration from a recording on the device. Returns False if that is not possible.

        Nor is it done when something needs to see the parts of the iteration.
        """
        display = _due(self.iter, self.param.display)
        watched = display and (self.param.debug_info or self.param.clip_gradients >= 0)
        # The rate of the update, as a number, depends on this iteration's loss or gradients.
        adapts = self.param.lr_policy == "plateau" or self.updater.local_rates
        if watched or adapts or self.on_gradients_ready or self.param.iter_size > 1:
            return False
        self._set_rate()
        loss = self._recorded.loss_after_run()
        if loss is None:
            return False
        self._losses.add(loss)
        if display:
            self._display()
        self._emit_rate()
        self.iter += 1
        return True

    def _forward_backward(self) -> Any:
        """Add up the gradients of iter_size batches. Returns their mean loss, on the device."""
        self.net.clear_param_diffs()
        count, dtype = self.param.iter_size, self.ops.dtype.type
        total: Any = dtype(0)
        for _ in range(count):
            self.net.forward()
            total = self.net.loss() if count == 1 else total + self.net.loss()
            self.net.backward()
        return total if count == 1 else total / dtype(count)

    def _display(self) -> None:
        iteration, time = self._displayed
        self._displayed = (self.iter, perf_counter())
        loss = self._losses.mean()
        self.emit(
            events.IterationDisplayed(
                self.iter,
                loss,
                self.learning_rate(),
                outputs_of(self.net),
                self.param.display,
                self.iter - iteration,
                self._displayed[1] - time,
            )
        )
        self.nan_guard.check_loss(loss)

    def learning_rate(self) -> float:
        """The rate of the next update."""
        if self._rate_of == self.iter:
            return self._rate
        return learning_rate(self.param, self.iter, self._after_loss()[1])[0]

    def _after_loss(self) -> tuple[Plateau, int]:
        """What the policy plateau makes of the last loss, and the step count then."""
        if self.param.lr_policy != "plateau":
            return self.plateau, self.current_step
        loss = None if self._losses.empty else self._losses.mean()
        windows = self.param.plateau_winsize
        return self.plateau.after(loss, self.iter, self.current_step, windows)

    def apply_update(self) -> None:
        """Update the learned blobs from the accumulated gradients, and count the iteration."""
        self._set_rate()
        self._emit_rate()
        self._update()
        self.iter += 1

    def _set_rate(self) -> None:
        """Compute the rate of the next update, once, and put it where a recording reads it."""
        if self._rate_of == self.iter:
            return  # another call could advance the multistep policy by another step
        self.plateau, step = self._after_loss()
        self._rate, step = learning_rate(self.param, self.iter, step)
        self._rate_of = self.iter
        policy = self.param.lr_policy
        if policy in ("multistep", "plateau") and step != self.current_step:
            self._stepped = events.LearningRateStepped(self.iter, step, policy)
        self.current_step = step
        self.updater.set_controls(self._rate, 1 / self.param.iter_size, self.iter)

    def _emit_rate(self) -> None:
        """Emit what Caffe logs about the rate, after the outputs of a displayed iteration."""
        if self._stepped is not None:
            self.emit(self._stepped)
            self._stepped = None
        if _due(self.iter, self.param.display):
            self.emit(events.RateDisplayed(self.iter, self._rate))

    def _update(self) -> None:
        param = self.param
        scale: Any = 1 / param.iter_size
        with self.net.running():
            if param.clip_gradients >= 0:
                scale = self._clip() * self.ops.dtype.type(scale)
            l1 = param.regularization_type == "L1"
            hyper = {**self.hyper(), "iteration": self.iter}
            decay = weight_decay(param, self.iter)
            self.updater.apply(self._rate, decay, l1, scale, hyper)

    def _clip(self) -> Any:
        norm, scale = self.updater.clipping(self.param.clip_gradients)
        if self.listeners and _due(self.iter, self.param.display) and float(scale) < 1:
            self.emit(events.GradientsClipped(self.iter, float(norm), float(scale)))
        return scale

    def solve(self, resume: StrPath | None = None) -> None:
        """Train until max_iter, from a solver state if one is given, then snapshot and test.

        With `resume="auto"` it is the newest one under the snapshot prefix that is whole. Raises
        SolverError if another process trains under the same snapshot_prefix.
        """
        if not (self.param.snapshot or self.param.snapshot_after_train):
            self._solve(self._found(resume))
            return
        if self.param.snapshot_after_train:
            check_prefix(self.snapshot_prefix, self.place)
        with PrefixLock(self.snapshot_prefix, self.place, self.force) as lock:
            if lock.held:
                snapshot_files.remove_temporary(self.snapshot_prefix)
            self._solve(self._found(resume))

    def _found(self, resume: StrPath | None) -> StrPath | None:
        return snapshot.newest_whole(self.snapshot_prefix) if resume == "auto" else resume

    def _solve(self, resume: StrPath | None) -> None:
        param = self.param
        if resume is not None:
            self.restore(resume)
        self.emit(events.SolvingStarted(self.net.name, param.lr_policy, self.iter, param.max_iter))
        self.step(param.max_iter - self.iter)
        if param.snapshot_after_train and not _due(self.iter, param.snapshot):
            self.automatic_snapshot()
        if not self.stopped:
            if _due(self.iter, param.display):
                self.net.forward()
                self._losses.add(self.net.loss())
                loss = self._losses.mean()
                self.emit(events.FinalLoss(self.iter, loss))
                self.nan_guard.check_loss(loss)
            if self._test_due():
                self.test_all()
        self.emit(events.SolvingDone(self.iter, self.stopped))

    def test_all(self) -> None:
        """Test each test net, unless a request stops it; the events hold the scores."""
        self._tester.run()

    # Snapshots

    def snapshot(self) -> tuple[str, str]:
        """Write the weights and the solver state of this iteration; their paths.

        Raises SolverError for weights that are not finite, rather than replace an older snapshot.
        """
        self.nan_guard.allows_snapshot(automatic=False)
        return self._write_snapshot()

    def automatic_snapshot(self) -> None:
        """The snapshot that is due or requested, unless the weights are not finite."""
        if self.nan_guard.allows_snapshot(automatic=True):
            self._write_snapshot()

    def _write_snapshot(self) -> tuple[str, str]:
        written = snapshot.write(self)
        self.nan_guard.saved(written[1])
        return written

    def restore(self, path: StrPath) -> None:
        """Continue from the solver state at `path`, and the weights that it names.

        Raises SolverError or ModelError, with the solver as it was, for files that do not fit, are
        damaged, or do not belong together.
        """
        exact = snapshot.restore(self, path)
        self.nan_guard.last_good = str(path)
        self._rate_of = -1
        self.emit(events.Restored(str(path), self.iter, exact))

    @property
    def history(self) -> list[Blob]:
        """The rule's history in Caffe's order: one per learned blob, then a second one for each."""
        return self.updater.history

    def get_state(self) -> dict[str, Any]:
        """What a resumed run needs to continue exactly, beyond what Caffe's solver states hold."""
        state: dict[str, Any] = {
            "type": self.type,
            "losses": self._losses.state,
            "net": self.net.get_state(),
            "test_nets": self._tester.states(),
        }
        if self.param.lr_policy == "plateau":
            state["plateau"] = self.plateau.state
        if self.updater.local_rates and self.param.larc_turbo:
            state["correlations"] = self.updater.local_rates.correlations
        return state

    def set_state(self, state: dict[str, Any]) -> list[str]:
        """Continue as the solver did from which `get_state` took `state`.

        Returns what is wrong with the states of layers that have since changed, such as a data
        layer with another source; those keep their present state.
        """
        with self.ops.quiet():
            self._losses.state = state["losses"]
        if "plateau" in state:
            self.plateau = Plateau(**state["plateau"])
        if self.updater.local_rates and "correlations" in state:
            self.updater.local_rates.correlations = state["correlations"]
        self._losses_restored = True
        nets = zip((self.net, *self.test_nets), (state["net"], *state["test_nets"]), strict=False)
        return [problem for net, saved in nets for problem in snapshot.set_net_state(net, saved)]


def _due(iteration: int, interval: int) -> bool:
    return bool(interval) and iteration % interval == 0
