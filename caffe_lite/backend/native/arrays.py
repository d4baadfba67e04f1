"""Matrix products, bias and table lookup in C."""

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array


class NativeArrays(NativeBase, NumpyOps):
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
        at = self._addresses(a, b, out)
        (m, n), k = out.shape, a.shape[0 if trans_a else 1]
        if at is None or a.size != m * k or b.size != k * n:
            return super().gemm(a, b, out, trans_a, trans_b, accumulate)
        c = self._functions(max(a.size, b.size, out.size))
        scratch = self._scratch(c.gemm_scratch(m, n, k, trans_a, trans_b))
        c.gemm(m, n, k, at[0], trans_a, at[1], trans_b, at[2], accumulate, scratch)

    def add_bias(self, y: Array, bias: Array) -> None:
        at = self._addresses(y, bias)
        images, channels = y.shape[:2]
        if at is None or bias.size != channels:
            return super().add_bias(y, bias)
        pixels = y.size // (images * channels)
        self._functions(y.size).add_bias(images, channels, pixels, *at)

    def sum_bias(self, dy: Array, dbias: Array) -> None:
        at = self._addresses(dy, dbias)
        images, channels = dy.shape[:2]
        if at is None or dbias.size != channels:
            return super().sum_bias(dy, dbias)
        pixels = dy.size // (images * channels)
        self._functions(dy.size).sum_bias(images, channels, pixels, *at)

    def take(self, weight: Array, ids: Array, out: Array) -> None:
        at, index = self._addresses(weight, out), self._index_address(ids)
        if at is None or not index or out.size != ids.size * weight.shape[1]:
            return super().take(weight, ids, out)
        rows, width = weight.shape
        self._functions(out.size).take(ids.size, width, rows, index, *at)

    def scatter_add(self, target: Array, ids: Array, rows: Array) -> None:
        at, index = self._addresses(rows, target), self._index_address(ids)
        if at is None or not index or rows.size != ids.size * target.shape[1]:
            return super().scatter_add(target, ids, rows)
        count, width = target.shape
        self._functions(rows.size).scatter_add(ids.size, width, count, index, *at)
