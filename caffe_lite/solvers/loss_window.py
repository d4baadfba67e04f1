"""The displayed training loss: the mean over the last iterations."""

from math import fsum
from typing import Any

from caffe_lite.backend import Ops
from caffe_lite.types import State


class LossWindow:
    """The mean of the last `size` losses, which stay on the device until the mean is computed."""

    def __init__(self, ops: Ops, size: int) -> None:
        self._ops = ops
        self._values = ops.zeros((size,))
        self._count = 0

    def add(self, loss: Any) -> None:
        """Add a loss, a 0-d device array."""
        self._values[self._count % len(self._values)] = loss
        self._count += 1

    def clear(self) -> None:
        self._count = 0

    @property
    def empty(self) -> bool:
        return self._count == 0

    def mean(self) -> float:
        """The mean of the losses in the window, 0 if it is empty; waits for the device."""
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
        """Restore a saved window; one of a different size starts empty."""
        held = value["values"]
        self._count = 0
        if held and len(held) == min(value["count"], len(self._values)):
            self._values[: len(held)] = self._ops.asarray(held)
            self._count = value["count"]
