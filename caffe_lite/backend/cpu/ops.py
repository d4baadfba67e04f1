"""The CPU backend in pure NumPy."""

from functools import cache

import numpy
from numpy.typing import DTypeLike

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.cpu.arrays import CpuArrays
from caffe_lite.backend.cpu.convolution import CpuConvolution
from caffe_lite.backend.cpu.pooling import CpuPooling
from caffe_lite.backend.cpu.sliced import CpuSliced
from caffe_lite.backend.cpu.threads import Pool
from caffe_lite.backend.processors import thread_count
from caffe_lite.backend.reference.ops import Ops


class NumpyOps(CpuArrays, CpuConvolution, CpuPooling, CpuSliced, Ops):
    """Operations on the CPU, divided among threads; no compiler is needed.

    Threads of the caller may share an instance: scratch memory is per thread.
    """

    def __init__(self, dtype: DTypeLike = "float32") -> None:
        super().__init__(numpy, dtype, "cpu")
        self.pool = _pool()
        self.arena = Arena()


@cache
def _pool() -> Pool:
    """One pool for all backends of the process, which share its CPUs."""
    return Pool(thread_count())
