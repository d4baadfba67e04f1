"""Invalid labels and ids: recorded on the device by kernels, raised when the host next reads."""

from typing import Any

import numpy

from caffe_lite.errors import DataError

MOST_SLOTS = 256


class Faults:
    """Pairs (found, value) on the device, one per rule for values.

    Kernels set them. `check` reads them, which waits for the device, so it is called when the host
    waits anyway.
    """

    def __init__(self, array: Any) -> None:
        """`array` is a device array of zeros, (MOST_SLOTS, 2)."""
        self._array = array
        self._rules: dict[str, Any] = {}

    def slot(self, rule: str) -> Any:
        """The pair for values that break `rule`, a sentence that the error begins with.

        Rules beyond MOST_SLOTS share the last pair.
        """
        found = self._rules.get(rule)
        if found is None:
            place = min(len(self._rules), MOST_SLOTS - 1)
            found = self._rules[rule] = self._array[place]
        return found

    def check(self) -> None:
        """Raise a DataError for the first fault since the last check, and clear all."""
        if not self._rules:
            return
        pairs: numpy.ndarray = self._array.get()
        if not pairs[:, 0].any():
            return
        self._array[...] = 0
        rule, value = next(
            (rule, pair[1]) for rule, pair in zip(self._rules, pairs, strict=False) if pair[0] != 0
        )
        raise DataError(f"{rule}, got {value:g}; check that the data belongs to this net")
