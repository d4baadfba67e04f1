"""Sums of blobs with coefficients from a blob."""

from caffe_lite.blob import Blob
from caffe_lite.layers.eltwise import Eltwise, Operation
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Eltwise", when=["eltwise_param.coeff_blob"])
class EltwiseWithCoefficients(Eltwise):
    """A sum in which the last bottom scales the items of the others, as `cont` scales states.

        y[n] = sum over i of coeff_i k[i, n] x_i[n]

    bottom[i]  x_i  (N, ...)  one or more, all of one shape
    last       k    one coefficient for each of the others and each item, in that order, whatever
                    its shape: (1, N) beside one x
    top[0]     y    (N, ...)

    With coeff_blob: false this is Eltwise.

    Differences from LRCN's: k takes its gradient, dk[i, n] = coeff_i sum(dy[n] x_i[n]).

    Source: jeffdonahue/caffe, branch recurrent

    Example::

        layer { name: "flush" type: "Eltwise" bottom: "h" bottom: "cont" top: "h_cont"
                eltwise_param { operation: SUM coeff_blob: true } }
    """

    extensions = ("eltwise_param.coeff_blob",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._scales = self.param.eltwise_param.coeff_blob
        super().setup(bottom[:-1] if self._scales else bottom, top)
        if self._scales and self._operation != Operation.SUM:
            raise self.fail("coeff_blob needs operation: SUM")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom[:-1] if self._scales else bottom, top)
        if not self._scales:
            return
        self.require_elements(bottom)
        if not bottom[0].shape:
            raise self.fail("coeff_blob needs bottoms of at least one axis, got a scalar")
        self._items = bottom[0].shape[0]
        others = len(bottom) - 1
        if bottom[-1].count != others * self._items:
            raise self.fail(
                f"the last bottom must have one coefficient for each of {others} bottoms and "
                f"{self._items} items, got shape {bottom[-1].shape}"
            )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not self._scales:
            super().forward(bottom, top)
            return
        scales, y, term = self._columns(bottom[-1].data), self._rows(top[0].data), self._term.data
        for i, (x, coeff) in enumerate(zip(bottom[:-1], self._coeff, strict=True)):
            out = self._rows(term) if i else y
            self.xp.multiply(self._rows(x.data), scales[i], out=out)
            if coeff != 1:
                out *= coeff
            if i:
                y += out

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not self._scales:
            super().backward(top, propagate_down, bottom)
            return
        scales, dy = self._columns(bottom[-1].data), self._rows(top[0].diff)
        for i, (x, coeff) in enumerate(zip(bottom[:-1], self._coeff, strict=True)):
            if propagate_down[i]:
                dx = self._rows(x.diff)
                self.xp.multiply(dy, scales[i], out=dx)
                if coeff != 1:
                    dx *= coeff
            if propagate_down[-1]:
                self._scale_grad(i, coeff, x, dy, bottom[-1])

    def _scale_grad(self, i: int, coeff: float, x: Blob, dy: Array, scales: Blob) -> None:
        product = self._rows(self._term.data)
        self.xp.multiply(dy, self._rows(x.data), out=product)
        dscale = self._columns(scales.diff)[i]
        self.xp.sum(product, axis=1, keepdims=True, out=dscale)
        if coeff != 1:
            dscale *= coeff

    def _rows(self, array: Array) -> Array:
        return array.reshape(self._items, -1)

    def _columns(self, array: Array) -> Array:
        """The coefficients as (bottoms, N, 1)."""
        return array.reshape(-1, self._items, 1)
