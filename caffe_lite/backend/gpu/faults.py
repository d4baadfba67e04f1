"""Bad labels and ids that kernels find: noted on the device, raised when the host next looks."""

from typing import Any

import numpy

from caffe_lite.errors import DataError

MOST_SLOTS = 256


class Faults:
    """Pairs (found, value) on the device, one per rule that values have to keep.

    A kernel sets them without waiting for the host. `check` reads them, which waits for the
    device, so it is for moments at which the host waits anyway.
    """

    def __init__(self, array: Any) -> None:
        """`array` is (MOST_SLOTS, 2), zeros, on the device."""
        self._array = array
        self._rules: dict[str, Any] = {}

    def slot(self, rule: str) -> Any:
        """The pair for what breaks `rule`, which the error will say; it may begin with a layer.

        Rules beyond MOST_SLOTS share the last pair.
        """
        found = self._rules.get(rule)
        if found is None:
            place = min(len(self._rules), MOST_SLOTS - 1)
            found = self._rules[rule] = self._array[place]
        return found

    def check(self) -> None:
        """Raise DataError for a fault found since the last check, and forget it."""
        if not self._rules:
            return
        pairs: numpy.ndarray = self._array.get()
        if not pairs[:, 0].any():
            return
        self._array[...] = 0
        rule, value = next(
            (rule, pair[1]) for rule, pair in zip(self._rules, pairs, strict=False) if pair[0] != 0
        )
        raise DataError(f"{rule}, got {value:g}; the data and the net do not fit each other")
