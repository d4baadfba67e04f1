"""Matrix products in NumPy, divided among threads, accumulated without a temporary."""

from caffe_lite.backend.cpu.base import CpuBase
from caffe_lite.backend.cpu.blas import openblas
from caffe_lite.backend.reference.arrays import ReferenceArrays
from caffe_lite.types import Array

SMALL_PRODUCT = 2_000_000  # multiply-adds that one thread computes in a fraction of a millisecond


class CpuArrays(CpuBase, ReferenceArrays):
    """See `ReferenceArrays`."""

    def gemm(
        self,
        a: Array,
        b: Array,
        out: Array,
        trans_a: bool = False,
        trans_b: bool = False,
        accumulate: bool = False,
    ) -> None:
        m, n = out.shape
        k = a.shape[0 if trans_a else 1]
        by_rows = m > n

        def part(begin: int, end: int) -> None:
            if by_rows:
                rows = a[:, begin:end] if trans_a else a[begin:end]
                self._product(rows, b, out[begin:end], trans_a, trans_b, accumulate)
            else:
                columns = b[begin:end] if trans_b else b[:, begin:end]
                self._product(a, columns, out[:, begin:end], trans_a, trans_b, accumulate)

        self.pool.run(part, max(m, n), m * n * k // SMALL_PRODUCT)

    def _product(
        self, a: Array, b: Array, out: Array, trans_a: bool, trans_b: bool, accumulate: bool
    ) -> None:
        blas = openblas()
        if not accumulate:
            self.xp.matmul(a.T if trans_a else a, b.T if trans_b else b, out=out)
        elif blas and all(self._has_contiguous_rows(x) for x in (a, b, out)):
            blas.add_product(a, b, out, trans_a, trans_b)
        else:
            super().gemm(a, b, out, trans_a, trans_b, accumulate)

    def _has_contiguous_rows(self, a: Array) -> bool:
        """Whether BLAS can read the matrix in place."""
        row = a.itemsize * a.shape[1]
        return a.dtype == self.dtype and a.strides[1] == a.itemsize and a.strides[0] >= row > 0
