"""Bad labels and ids that kernels find: noted on the device, raised when the host next looks."""

from typing import Any

import numpy

from caffe_lite.errors import DataError

MOST_SLOTS = 64


class Faults:
    """Pairs (found, value) on the device, one per kind of fault and its limit.

    A kernel sets them without waiting for the host. `check` reads them, which waits for the
    device, so it is for moments at which the host waits anyway.
    """

    def __init__(self, array: Any) -> None:
        """`array` is (MOST_SLOTS, 2), zeros, on the device."""
        self._array = array
        self._kinds: dict[tuple[str, int], Any] = {}

    def slot(self, kind: str, limit: int) -> Any:
        """The pair for values of a kind ("label", "id") that must be in [0, limit)."""
        found = self._kinds.get((kind, limit))
        if found is None:
            place = min(len(self._kinds), MOST_SLOTS - 1)
            found = self._kinds[kind, limit] = self._array[place]
        return found

    def check(self) -> None:
        """Raise DataError for a fault found since the last check, and forget it."""
        if not self._kinds:
            return
        pairs: numpy.ndarray = self._array.get()
        if not pairs[:, 0].any():
            return
        self._array[...] = 0
        (kind, limit), pair = next(
            (key, pair) for key, pair in zip(self._kinds, pairs, strict=False) if pair[0] != 0
        )
        raise DataError(
            f"{kind} {pair[1]:g} is outside 0 ... {limit - 1}: the data and the net disagree on "
            f"the number of {'classes' if kind == 'label' else 'rows of the table'}"
        )
