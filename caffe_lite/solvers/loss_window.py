"""The training loss as it is displayed: averaged over the last iterations."""

from math import fsum
from typing import Any

from caffe_lite.backend import Ops
from caffe_lite.types import State


class LossWindow:
    """The mean of the last `size` losses; they stay on the device until it is asked for."""

    def __init__(self, ops: Ops, size: int) -> None:
        self._ops = ops
        self._values = ops.zeros((size,))
        self._count = 0

    def add(self, loss: Any) -> None:
        """Take in a 0-d device array."""
        self._values[self._count % len(self._values)] = loss
        self._count += 1

    def clear(self) -> None:
        self._count = 0

    def mean(self) -> float:
        """The mean of what the window holds, 0 if nothing; waits for the device."""
        values = self._held()
        return fsum(values) / len(values) if values else 0.0

    def _held(self) -> list[float]:
        held = self._values[: min(self._count, len(self._values))]
        return [float(value) for value in self._ops.to_host(held)]

    @property
    def state(self) -> State:
        return {"count": self._count, "values": self._held()}

    @state.setter
    def state(self, value: State) -> None:
        """Go on as the window of `value` did; one of another size starts anew."""
        held = value["values"]
        self._count = 0
        if held and len(held) == min(value["count"], len(self._values)):
            self._values[: len(held)] = self._ops.asarray(held)
            self._count = value["count"]
