"""Bad labels and ids that kernels find: noted on the device, raised when the host next looks."""

from typing import Any

import numpy

from caffe_lite.errors import DataError

MOST_SLOTS = 256


class Faults:
    """Pairs (found, value) on the device, one per kind of fault, its limit and the one who asks.

    A kernel sets them without waiting for the host. `check` reads them, which waits for the
    device, so it is for moments at which the host waits anyway.
    """

    def __init__(self, array: Any) -> None:
        """`array` is (MOST_SLOTS, 2), zeros, on the device."""
        self._array = array
        self._kinds: dict[tuple[str, int, str], Any] = {}

    def slot(self, kind: str, limit: int, where: str = "") -> Any:
        """The pair for values of a kind ("label", "id") that must be in [0, limit).

        An error over it begins with `where`. Askers beyond MOST_SLOTS share the last pair.
        """
        key = (kind, limit, where)
        found = self._kinds.get(key)
        if found is None:
            place = min(len(self._kinds), MOST_SLOTS - 1)
            found = self._kinds[key] = self._array[place]
        return found

    def check(self) -> None:
        """Raise DataError for a fault found since the last check, and forget it."""
        if not self._kinds:
            return
        pairs: numpy.ndarray = self._array.get()
        if not pairs[:, 0].any():
            return
        self._array[...] = 0
        (kind, limit, where), pair = next(
            (key, pair) for key, pair in zip(self._kinds, pairs, strict=False) if pair[0] != 0
        )
        counted = "classes" if kind == "label" else "rows of the table"
        raise DataError(
            f"{where and where + ': '}{kind} {pair[1]:g} is outside 0 ... {limit - 1}: the data "
            f"and the net disagree on the number of {counted}"
        )
