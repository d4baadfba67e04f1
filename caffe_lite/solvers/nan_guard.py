"""What a solver does about a loss or weights that are not finite."""

from __future__ import annotations

import logging
import os
from math import isfinite
from typing import TYPE_CHECKING, Literal

from caffe_lite.errors import SolverError
from caffe_lite.solvers import events, snapshot
from caffe_lite.solvers.nonfinite import all_finite, find_first, first_learned

if TYPE_CHECKING:
    from caffe_lite.solvers.base import Solver

OnNan = Literal["stop", "warn", "ignore"]

log = logging.getLogger("caffe_lite.solver")


class NanGuard:
    """Checks each displayed loss, and the weights before each snapshot.

    `effect` says what follows a value that is not finite: "stop" raises SolverError, "warn" logs a
    warning, once until the loss is finite again, and "ignore" does what Caffe does, nothing.
    Whichever it is, a snapshot of such weights never replaces one that exists. No check waits for
    the device in an iteration that neither displays nor snapshots.
    """

    def __init__(self, solver: Solver, effect: OnNan) -> None:
        self.effect = effect
        self.last_good: str | None = None  # the newest solver state of this run with finite weights
        self._solver = solver
        self._reported = self._finite = False

    def check_loss(self, loss: float) -> None:
        """Report a displayed loss that is not finite, with the place of the first such value."""
        if isfinite(loss):
            self._reported = False
        elif self.effect != "ignore" and not self._reported:
            self._reported = True
            self._report_loss(loss)

    def _report_loss(self, loss: float) -> None:
        solver, param = self._solver, self._solver.param
        found = find_first(solver.net)
        if found is None:
            place = "no blob of the present batch"
            text = (
                f"no blob of the present batch has such a value: it comes from an earlier batch "
                f"(average_loss: {param.average_loss}, iter_size: {param.iter_size})"
            )
        else:
            place = found.place
            causes = found.causes(solver.learning_rate(), param.clip_gradients >= 0)
            text = f"the first such value is in {found}; likely causes: {causes}"
        what = f"iteration {solver.iter}: the loss is {loss:g}"
        log.log(self._level, "%s; %s", _sentence(what), text)
        solver.emit(events.LossNotFinite(solver.iter, loss, place, text))
        self._stop(f"{what}, first in {place}")

    def allows_snapshot(self, automatic: bool) -> bool:
        """Whether to write a snapshot now; one that a script asks for is not `automatic`.

        Raises SolverError if a script's snapshot would replace weights that are finite, or if
        training must stop.
        """
        solver = self._solver
        histories = [blob.data for blob in solver.history if blob.has_data]
        arrays = [*(blob.data for blob in solver.net.learnable_params), *histories]
        self._finite = all_finite(solver.ops, arrays)
        if self._finite:
            return True
        weights = snapshot.paths(solver)[0]
        replaces = os.path.exists(weights)
        found = first_learned(solver.net)
        where = "the solver's history" if found is None else str(found)
        what = f"iteration {solver.iter}: the weights are not finite ({where})"
        if not replaces and (not automatic or self.effect == "ignore"):
            log.warning("%s and are saved so in %s", _sentence(what), weights)
            return True
        if not automatic:
            raise SolverError(f"{solver.place}: {what}; {weights} exists and is not replaced")
        log.log(self._level, "%s; no snapshot is taken, %s", _sentence(what), self._good)
        solver.emit(events.SnapshotRefused(solver.iter, where))
        self._stop(what)
        return False

    def saved(self, state: str) -> None:
        """Note the solver state that was written after `allows_snapshot`."""
        if self._finite:
            self.last_good = state

    @property
    def _level(self) -> int:
        return logging.ERROR if self.effect == "stop" else logging.WARNING

    @property
    def _good(self) -> str:
        if self.last_good is None:
            return "and there is no good one from before"
        return f"the last good one is {self.last_good}"

    def _stop(self, what: str) -> None:
        if self.effect == "stop":
            raise SolverError(
                f"{self._solver.place}: {what}; training stopped, no snapshot is taken of it, "
                f"{self._good}"
            )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
