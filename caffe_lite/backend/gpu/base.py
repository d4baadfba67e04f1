"""What every group of GPU operations builds on."""

from math import prod
from typing import Any

from caffe_lite.backend.gpu.blas import Blas
from caffe_lite.backend.gpu.constants import WARP
from caffe_lite.backend.gpu.launch import Launcher
from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array, Shape

MANY_COLUMNS = 16384  # enough to fill a device with one thread each


class GpuBase(OpsBase):
    """The launcher, the matrix products and the shared workspace of one device."""

    launch: Launcher
    blas: Blas
    multiprocessors: int
    capturing: bool

    _arena: Any = None

    def workspaces(self, *shapes: Shape) -> list[Any]:
        """Arrays with undefined content, valid until the next call.

        They share one block of memory, which grows to the largest request and is kept. Reuse is
        safe because all work runs in order on one stream.
        """
        # Aligned to 256 bytes, as the device's own allocator aligns.
        unit = 256 // self.dtype.itemsize
        sizes = [-(-prod(shape) // unit) * unit for shape in shapes]
        if self._arena is None or self._arena.size < sum(sizes):
            self._replace_arena(sum(sizes))
        arrays, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            arrays.append(self._arena[start : start + prod(shape)].reshape(shape))
            start += size
        return arrays

    def column_sum(
        self,
        x: Array,
        rows: int,
        columns: int,
        out: Array,
        factor: float = 1.0,
        accumulate: bool = False,
    ) -> None:
        """out (columns,) = or += factor * the sum of x (rows, columns) over its rows."""
        arguments = (columns, x, rows, factor, accumulate, out)
        if columns >= MANY_COLUMNS:
            self.launch("column_sum", columns, *arguments)
        else:
            self.launch.blocks("column_block_sum", -(-columns // WARP), *arguments)

    def _replace_arena(self, size: int) -> None:
        raise NotImplementedError
