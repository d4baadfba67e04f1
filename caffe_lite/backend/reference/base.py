"""What every group of operations builds on: the array module, new arrays, and what a device can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy
from numpy.typing import DTypeLike

from caffe_lite.backend.host_memory import HostMemory
from caffe_lite.errors import BackendError
from caffe_lite.types import Array


class Recording(Protocol):
    """Recorded work, to be done again."""

    def replay(self) -> None:
        """Start the work; on a GPU this returns before it is done."""


class OpsBase:
    """The array module, the element type and the device's name, all set by `Ops`.

    The class attributes are the defaults of a backend on the CPU.
    """

    xp: Any  # the module: numpy or cupy
    dtype: numpy.dtype
    name: str
    host_memory = HostMemory()
    on_host = True  # arrays are NumPy arrays
    can_capture = False  # `capture` works

    def quiet(self) -> AbstractContextManager[Any]:
        """A context that suppresses warnings about NaN and infinity, as Caffe has none."""
        return numpy.errstate(all="ignore")

    def empty(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """A new array with undefined content."""
        return self.xp.empty(shape, dtype or self.dtype)

    def zeros(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """A new array of zeros."""
        return self.xp.zeros(shape, dtype or self.dtype)

    def asarray(self, a: Any, dtype: DTypeLike | None = None) -> Array:
        """`a` (host or device) as a contiguous array on the device, copied only if necessary."""
        return self.xp.asarray(a, dtype or self.dtype, order="C")

    def capture(self, function: Callable[[], None]) -> Recording:
        """Record the device work of `function` without doing it.

        Raises BackendError if `can_capture` is false or the work cannot be recorded.
        """
        raise BackendError(f"{self.name} cannot record work; only a GPU can")
