"""The loss over a rising learning rate, from which a good rate can be read.

Source: L. Smith, Cyclical learning rates for training neural networks (2017), section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from caffe_lite.backend import Ops
from caffe_lite.errors import CaffeError
from caffe_lite.solvers import events, get_solver
from caffe_lite.types import SolverParameter

LOWEST, HIGHEST = 1e-5, 1.0
_HOPELESS = 4.0  # stop where the loss is this many times the lowest
_SMOOTH = 0.9


@dataclass
class Rates:
    """The rates that were tried, and the loss at each, smoothed and corrected for its start."""

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    _mean: float = 0.0

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.IterationDisplayed):
            self._mean = _SMOOTH * self._mean + (1 - _SMOOTH) * event.loss
            self.rates.append(event.learning_rate)
            self.losses.append(self._mean / (1 - _SMOOTH ** (len(self.losses) + 1)))

    @property
    def is_hopeless(self) -> bool:
        """Whether the loss has exploded, or is not finite."""
        last = self.losses[-1] if self.losses else 0.0
        return bool(self.losses) and not last < _HOPELESS * min(self.losses)

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the lowest loss, to one digit.

        Raises CaffeError if no loss is finite.
        """
        finite = [
            (loss, rate) for loss, rate in zip(self.losses, self.rates, strict=True) if loss == loss
        ]
        if not finite:
            raise CaffeError(f"the loss is not finite, even at the rate {LOWEST:g}")
        return float(f"{min(finite)[1] / 10:.0e}")


def rising(solver: SolverParameter, iterations: int) -> SolverParameter:
    """The solver with a rate that rises from LOWEST to HIGHEST, without tests and snapshots."""
    made: SolverParameter = type(solver)()
    made.CopyFrom(solver)
    made.base_lr, made.lr_policy = LOWEST, "exp"
    made.gamma = (HIGHEST / LOWEST) ** (1 / max(1, iterations - 1))
    made.max_iter, made.display, made.average_loss = iterations, 1, 1
    del made.test_iter[:]
    made.ClearField("test_interval")
    made.snapshot_after_train = False
    return made


def find_rate(solver: SolverParameter, path: str, ops: Ops, weights: str | None) -> Rates:
    """Train with a rising rate, until the loss explodes."""
    rates = Rates()
    param: SolverParameter = type(solver)()
    param.CopyFrom(solver)
    if weights:
        param.weights.append(weights)
    made = get_solver(
        param,
        ops,
        path=path,
        listeners=[rates],
        request=lambda: "stop" if rates.is_hopeless else None,
        on_nan="ignore",
    )
    with made:
        made.solve()
    return rates
