"""Host memory that batches are made in."""

from collections.abc import Sequence
from typing import Any

import numpy


class HostMemory:
    """Ordinary memory. A GPU has its own kind, from which it copies while the host goes on."""

    def empty(self, shape: Sequence[int], dtype: Any) -> numpy.ndarray:
        """A new array with undefined content. Any thread may ask for one."""
        return numpy.empty(shape, dtype)

    def wait(self, array: numpy.ndarray) -> None:
        """Return when no `copy_to_device` reads `array` any longer, so that it may be changed."""
