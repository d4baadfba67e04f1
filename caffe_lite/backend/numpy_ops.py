"""The CPU backend."""

from typing import Any

import numpy

from .ops import Ops


class NumpyOps(Ops):
    """Operations on the CPU."""

    def __init__(self, dtype: Any = "float32") -> None:
        super().__init__(numpy, dtype, "cpu")
