"""The CPU backend in NumPy alone."""

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
    """Operations on the CPU, shared out among threads; no compiler needed.

    Threads of the caller may share an instance: working memory is each thread's own.
    """

    def __init__(self, dtype: DTypeLike = "float32") -> None:
        super().__init__(numpy, dtype, "cpu")
        self.pool = _pool()
        self.arena = Arena()


@cache
def _pool() -> Pool:
    """The process has as many processors however many backends it makes."""
    return Pool(thread_count())
