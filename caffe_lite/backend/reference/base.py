"""What every group of operations has at hand."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy

from caffe_lite.backend.host_memory import HostMemory


class OpsBase:
    """The array module, the element type and the device's name (set by `Ops`), and new arrays."""

    xp: Any
    dtype: numpy.dtype
    name: str
    host_memory = HostMemory()

    def quiet(self) -> AbstractContextManager[Any]:
        """A context in which NaN and infinity come about without warnings, as they do in Caffe."""
        return numpy.errstate(all="ignore")

    def empty(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A new array with undefined content."""
        return self.xp.empty(shape, dtype or self.dtype)

    def zeros(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A new array of zeros."""
        return self.xp.zeros(shape, dtype or self.dtype)

    def asarray(self, a: Any, dtype: Any = None) -> Any:
        """`a` (host or device) as a contiguous device array; copies only where it must."""
        return self.xp.asarray(a, dtype or self.dtype, order="C")
