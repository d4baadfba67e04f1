"""The thread pool and scratch memory that NumPy operations share."""

from collections.abc import Callable

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.cpu.threads import Pool
from caffe_lite.backend.reference.base import OpsBase

PART = 65_536  # elements that make another thread worthwhile


class CpuBase(OpsBase):
    """Set by `NumpyOps`."""

    pool: Pool
    arena: Arena

    def _in_parts(self, function: Callable[[int, int], None], count: int, size: int) -> None:
        """Call function(begin, end) for parts of range(count), of `size` elements in all."""
        self.pool.run(function, count, size // PART)
