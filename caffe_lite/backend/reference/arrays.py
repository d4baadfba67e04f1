"""Transfer, matrix products, bias, table lookup and sums of squares."""

from collections.abc import Sequence

import numpy

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array


class ReferenceArrays(OpsBase):
    """Transfer between host and device, and linear algebra."""

    def to_host(self, a: Array) -> numpy.ndarray:
        """`a` as a NumPy array; on the CPU the array itself."""
        return numpy.asarray(a)

    def copy_to_device(self, host: Array, out: Array) -> None:
        """Copy a NumPy array into a device array of the same size; a GPU copies asynchronously.

        `host` may be overwritten immediately, unless it comes from `host_memory`: then only after
        `host_memory.wait(host)`.
        """
        out[...] = host.reshape(out.shape)

    def synchronize(self) -> None:
        """Wait until all operations issued so far have finished."""

    def gemm(
        self,
        a: Array,
        b: Array,
        out: Array,
        trans_a: bool = False,
        trans_b: bool = False,
        accumulate: bool = False,
    ) -> None:
        """out = op(a) @ op(b), or out += op(a) @ op(b); all 2-D, op transposes if asked to."""
        product = (a.T if trans_a else a) @ (b.T if trans_b else b)
        if accumulate:
            out += product
        else:
            out[...] = product

    def add_bias(self, y: Array, bias: Array) -> None:
        """y (N, C, *S) += bias (C,) over axis 1, in place."""
        y += per_channel(bias, y)

    def sum_bias(self, dy: Array, dbias: Array) -> None:
        """dbias (C,) += the sum of dy (N, C, *S) over every axis but 1."""
        dbias += dy.sum(axis=(0, *range(2, dy.ndim)))

    def take(self, weight: Array, ids: Array, out: Array) -> None:
        """out (n, D) = weight[ids]; ids (n,) int32, row numbers of weight."""
        out[...] = weight[ids]

    def scatter_add(self, target: Array, ids: Array, rows: Array) -> None:
        """target[ids[i]] += rows[i]; repeated ids accumulate, ids outside the table are ignored."""
        inside = (ids >= 0) & (ids < len(target))
        self.xp.add.at(target, ids[inside], rows[inside])

    def clear(self, arrays: Sequence[Array]) -> None:
        """Set every element of all arrays to zero."""
        for a in arrays:
            a[...] = 0

    def sum_squares(self, arrays: Sequence[Array]) -> Array:
        """The sum of squares over all elements of all arrays, as a 0-d array."""
        total = self.zeros(())
        for a in arrays:
            total += self.xp.vdot(a, a)
        return total
