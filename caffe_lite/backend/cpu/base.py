"""The pool and working memory that operations in NumPy share."""

from collections.abc import Callable

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.cpu.threads import Pool
from caffe_lite.backend.reference.base import OpsBase

PART = 65_536  # elements below which a part is not worth another thread


class CpuBase(OpsBase):
    """Set by `NumpyOps`."""

    pool: Pool
    arena: Arena

    def _in_parts(self, function: Callable[[int, int], None], count: int, size: int) -> None:
        """Call function(begin, end) over parts of range(count); `size` elements are worked on."""
        self.pool.run(function, count, size // PART)
