"""Host memory that batches are made in."""

from collections.abc import Sequence

import numpy
from numpy.typing import DTypeLike

from caffe_lite.types import Array


class HostMemory:
    """Ordinary memory. A GPU has its own kind, from which it copies while the host goes on."""

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Array:
        """A new array with undefined content. Any thread may ask for one."""
        return numpy.empty(shape, dtype)

    def wait(self, array: Array) -> None:
        """Return when no `copy_to_device` reads `array` any longer, so that it may be changed."""
