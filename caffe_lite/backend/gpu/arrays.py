"""Transfer, matrix products, bias, table lookup and sums of squares on the GPU."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy
from numpy.typing import DTypeLike

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.blas import Matrix
from caffe_lite.backend.gpu.constants import WARP
from caffe_lite.backend.gpu.faults import Faults
from caffe_lite.backend.gpu.launch import BLOCK
from caffe_lite.backend.gpu.tables import Tables
from caffe_lite.backend.gpu.transfer import Uploader
from caffe_lite.types import Array

# Blocks per multiprocessor of a sum per channel: enough loads in flight to use the bandwidth.
WAVES = 16
# Rows of a matrix that are summed in one step; more are divided among blocks.
MOST_ROWS = 8192
# Ids whose rows are added in order; each id is compared with all others.
MOST_ORDERED = 8192


class GpuArrays(GpuBase):
    """Transfer between host and device, and linear algebra."""

    faults: Faults
    tables: Tables
    uploader: Uploader
    gemm_tf32: bool

    def asarray(self, a: Any, dtype: DTypeLike | None = None) -> Array:
        """`a` (host or device) as a contiguous array on the device, copied only if necessary.

        An array from `host_memory` is copied asynchronously, as by `copy_to_device`.
        """
        dtype = numpy.dtype(dtype or self.dtype)
        if isinstance(a, numpy.ndarray) and a.dtype == dtype and self.uploader.sends(a):
            out = self.empty(a.shape, dtype)
            self.uploader.copy(a, out)
            return out
        return super().asarray(a, dtype)

    def to_host(self, a: Array) -> numpy.ndarray:
        """A NumPy copy of `a`. Waits for the device, and raises the faults recorded there."""
        if isinstance(a, numpy.ndarray):
            return a
        host = a.get()
        self.faults.check()
        return host

    def copy_to_device(self, host: Array, out: Array) -> None:
        """Copy a NumPy array into a device array of the same size, in parallel with other work.

        An array from `host_memory` is read until `host_memory.wait` returns. Others are first
        copied to such memory, and may be overwritten immediately.
        """
        self.uploader.copy(host, out)

    def gemm(
        self,
        a: Array,
        b: Array,
        out: Array,
        trans_a: bool = False,
        trans_b: bool = False,
        accumulate: bool = False,
    ) -> None:
        """out = op(a) @ op(b), or out += op(a) @ op(b); all 2-D and C-contiguous."""
        m, k = reversed(a.shape) if trans_a else a.shape
        k_b, n = reversed(b.shape) if trans_b else b.shape
        if k != k_b or out.shape != (m, n):
            raise ValueError(f"gemm of {(m, k)} and {(k_b, n)} into {out.shape}")
        for array in (a, b, out):
            if array.dtype != self.dtype or not array.flags.c_contiguous:
                raise TypeError(f"gemm takes C-contiguous {self.dtype} arrays, got {array.dtype}")
        self.blas.gemm(
            m,
            n,
            k,
            Matrix(a, a.shape[1], trans_a),
            Matrix(b, b.shape[1], trans_b),
            Matrix(out, n),
            accumulate,
            self.gemm_tf32,
        )

    def add_bias(self, y: Array, bias: Array) -> None:
        """y (N, C, *S) += bias (C,) over axis 1, in place."""
        self.launch("add_bias", y.size, y.size, y, bias, y.shape[1], prod(y.shape[2:]))

    def sum_bias(self, dy: Array, dbias: Array) -> None:
        """dbias (C,) += the sum of dy (N, C, *S) over every axis but 1."""
        self.channel_sum("channel_sum", (dy,), dy.shape, dbias, accumulate=True)

    def channel_sum(
        self,
        kernel: str,
        arrays: tuple[Any, ...],
        shape: Sequence[int],
        out: Array,
        factor: float = 1.0,
        accumulate: bool = False,
    ) -> None:
        """out (C,) = or += factor * the sums per channel of a kernel in channels.cu."""
        images, channels, pixels = shape[0], shape[1], prod(shape[2:])
        if kernel == "channel_sum" and pixels == 1 and images <= MOST_ROWS:
            self.column_sum(arrays[0], images, channels, out, factor, accumulate)
            return
        splits = max(1, min(images, WAVES * self.multiprocessors // max(1, channels)))
        (partial,) = self.workspaces((splits, channels))
        self.launch.blocks(kernel, (channels, splits), *arrays, partial, images, channels, pixels)
        threads = WARP * channels
        self.launch("channel_total", threads, channels, partial, splits, factor, accumulate, out)

    def take(self, weight: Array, ids: Array, out: Array) -> None:
        """out (n, D) = weight[ids]. An id outside the table gives zeros and a fault."""
        rows, columns = weight.shape
        fault = self.faults.slot(f"ids must be from 0 to {rows - 1}, the last row of the table")
        self.launch("take", out.size, out.size, weight, ids, out, rows, columns, fault)

    def scatter_add(self, target: Array, ids: Array, rows: Array) -> None:
        """target[ids[i]] += rows[i]; repeated ids accumulate, ids outside the table are ignored.

        Up to MOST_ORDERED ids are added in order; more are added in undefined order.
        """
        count, columns = target.shape
        if ids.size <= MOST_ORDERED:
            most = max(1, WAVES * self.multiprocessors // max(1, ids.size))
            grid = (ids.size, min(-(-columns // BLOCK), most))
            self.launch.blocks(
                "scatter_add_in_order", grid, ids.size, target, ids, rows, count, columns
            )
        else:
            self.launch("scatter_add", rows.size, rows.size, target, ids, rows, count, columns)

    def clear(self, arrays: Sequence[Array]) -> None:
        """Set every element of all arrays to zero, in one launch."""
        table = self.tables.of([(array,) for array in arrays])
        self.launch.blocks(
            "clear_pieces",
            table.blocks,
            *(table.addresses, table.sizes, table.owner, table.piece),
        )

    def sum_squares(self, arrays: Sequence[Array]) -> Array:
        """The sum of squares over all elements of all arrays, as a 0-d array."""
        table = self.tables.of([(array,) for array in arrays])
        (partial,) = self.workspaces((table.blocks,))
        total = self.empty(())
        self.launch.blocks(
            "piece_squares",
            table.blocks,
            *(table.addresses, table.sizes, table.owner, table.piece, partial),
        )
        self.launch.blocks("sum_partial", 1, table.blocks, partial, total)
        return total
