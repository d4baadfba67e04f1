"""The learning rate policy "plateau": the rate is lowered when the loss stops falling.

rate = base_lr gamma^step. An event is a step, or a new minimum of the displayed loss (the mean of
the last `average_loss` iterations). The step rises by 1 when `plateau_winsize[step]` iterations
have passed since the last event; it stays when there is no such value.

Source: weiliu89/caffe, branch ssd. Other forks took it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from caffe_lite.types import State

_FLOAT32_MAX = 3.4028234663852886e38


@dataclass(frozen=True)
class Plateau:
    """The lowest loss so far, and the iteration of the last event."""

    minimum_loss: float = _FLOAT32_MAX
    last_event: int = 0

    def after(
        self, loss: float | None, iteration: int, step: int, windows: Sequence[int]
    ) -> tuple[Plateau, int]:
        """What follows the loss of an iteration: the new values and step. None: no loss is known.

        The rate of that iteration's update is the one of the new step.
        """
        if loss is None:
            return self, step
        lowest, event = self.minimum_loss, self.last_event
        if loss < lowest:
            lowest, event = loss, iteration
        if step < len(windows) and iteration >= event + windows[step]:
            step, event = step + 1, iteration
        return Plateau(lowest, event), step

    @property
    def state(self) -> State:
        return asdict(self)


def is_plateau_state(state: Any) -> bool:
    """Whether a saved state is one that `Plateau(**state)` takes."""
    return (
        isinstance(state, dict)
        and state.keys() == {"minimum_loss", "last_event"}
        and type(state["minimum_loss"]) is float
        and type(state["last_event"]) is int
        and abs(state["last_event"]) < 2**31
    )
