"""The CPU backend in NumPy alone."""

from functools import cache
from typing import Any

import numpy

from .arena import Arena
from .cpu.arrays import CpuArrays
from .cpu.convolution import CpuConvolution
from .cpu.pooling import CpuPooling
from .cpu.sliced import CpuSliced
from .cpu.threads import Pool
from .ops import Ops
from .processors import thread_count


class NumpyOps(CpuArrays, CpuConvolution, CpuPooling, CpuSliced, Ops):
    """Operations on the CPU, shared out among threads; no compiler needed.

    Threads of the caller may share an instance: working memory is each thread's own.
    """

    def __init__(self, dtype: Any = "float32") -> None:
        super().__init__(numpy, dtype, "cpu")
        self.pool = _pool()
        self.arena = Arena()


@cache
def _pool() -> Pool:
    """The process has as many processors however many backends it makes."""
    return Pool(thread_count())
