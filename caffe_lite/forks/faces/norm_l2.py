"""NormL2: items scaled to length 1."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags

_EPSILON = 1e-7


@register("NormL2")
class NormL2(Layer):
    """Each item divided by its length: y = x / sqrt(sum x^2 + 1e-7).

    bottom[0]  x  (N, ...)
    top[0]     y  the shape of x

    Source: xialuxi/arcface-caffe

    Example::

        layer { name: "norm" type: "NormL2" bottom: "data" top: "norm" }
    """

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if not shape:
            raise self.fail("needs a bottom of at least one axis, got a scalar")
        top[0].reshape(*shape)
        self._view = (shape[0], bottom[0].count // shape[0])
        self._squares = self.ops.empty(self._view)
        self._length = self.ops.empty((shape[0], 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, length = self.xp, bottom[0].data.reshape(self._view), self._length
        xp.multiply(x, x, out=self._squares)
        xp.sum(self._squares, axis=1, keepdims=True, out=length)
        length += _EPSILON
        xp.sqrt(length, out=length)
        xp.divide(x, length, out=top[0].data.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, dx = self.xp, bottom[0].diff.reshape(self._view)
        y, dy = top[0].data.reshape(self._view), top[0].diff.reshape(self._view)
        xp.multiply(y, dy, out=self._squares)
        along = self._squares.sum(axis=1, keepdims=True)
        xp.multiply(y, -along, out=dx)
        dx += dy
        dx /= self._length
