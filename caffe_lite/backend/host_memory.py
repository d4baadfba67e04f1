"""Host memory for input batches."""

from collections.abc import Sequence

import numpy
from numpy.typing import DTypeLike

from caffe_lite.types import Array


class HostMemory:
    """Ordinary memory. A GPU backend replaces it with pinned memory, for asynchronous copies."""

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Array:
        """A new array with undefined content; may be called from any thread."""
        return numpy.empty(shape, dtype)

    def wait(self, array: Array) -> None:
        """Wait until no `copy_to_device` still reads `array`, so that it may be overwritten."""
