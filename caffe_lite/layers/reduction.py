"""Sums over trailing axes."""

from math import prod

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags

Operation = schema.ReductionParameter


@register("Reduction")
class Reduction(Layer):
    """One number for all axes from `axis` on, times `coeff`.

        SUM    sum of x        ASUM   sum of |x|
        SUMSQ  sum of x^2      MEAN   sum of x / number of elements

    bottom[0]  x  any shape
    top[0]     y  the sizes of x before `axis`; () with axis: 0, the default

    Backward: SUM dx = coeff * dy, MEAN that over the number of elements, ASUM coeff * dy * sign(x),
    SUMSQ 2 * coeff * dy * x. Kept from forward: nothing; x is read from the bottom.

    Caffe: src/caffe/layers/reduction_layer.cpp

    Example::

        layer { name: "norm" type: "Reduction" bottom: "x" top: "y"
                reduction_param { operation: SUMSQ axis: 1 coeff: 0.5 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._operation = self.param.reduction_param.operation
        self._terms = Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, param = bottom[0].shape, self.param.reduction_param
        axis = self.canonical_axis(param.axis, len(shape))
        top[0].reshape(*shape[:axis])
        self._view = (prod(shape[:axis]), prod(shape[axis:]))
        self._terms.reshape(*self._view)
        self._coeff = param.coeff
        if self._operation == Operation.MEAN:
            self._coeff /= self._view[1]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp = self.xp
        terms, y = bottom[0].data.reshape(self._view), top[0].data.reshape(-1)
        if self._operation == Operation.ASUM:
            terms = xp.abs(terms, out=self._terms.data)
        elif self._operation == Operation.SUMSQ:
            terms = xp.multiply(terms, terms, out=self._terms.data)
        xp.sum(terms, axis=1, out=y)
        if self._coeff != 1:
            y *= self._coeff

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp = self.xp
        x, dx = bottom[0].data.reshape(self._view), bottom[0].diff.reshape(self._view)
        dy = top[0].diff.reshape(-1, 1) * self._coeff
        if self._operation == Operation.ASUM:
            xp.sign(x, out=dx)
            dx *= dy
        elif self._operation == Operation.SUMSQ:
            xp.multiply(x, 2 * dy, out=dx)
        else:
            dx[...] = dy
