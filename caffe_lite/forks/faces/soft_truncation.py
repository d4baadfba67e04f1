"""SoftTruncation: distances that saturate."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("SoftTruncation")
class SoftTruncation(Layer):
    """Maps distances to [0, 1): y = 1 - exp(-x / c).

    bottom[0]  x  any shape
    top[0]     y  shape of x; may be the bottom

    Source: happynear/caffe-windows

    Example::

        layer { name: "truncated" type: "SoftTruncation" bottom: "distances" top: "truncated"
                soft_truncation_param { c: 2 } }
    """

    keeps_layout = True
    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._c = self.param.soft_truncation_param.c
        if self._c == 0:
            raise self.fail("c must not be 0")

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)
        self._slope = self.ops.empty(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        y = top[0].data
        self.xp.multiply(bottom[0].data, -1 / self._c, out=y)
        self.xp.expm1(y, out=y)
        self.xp.negative(y, out=y)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            dx, dy = bottom[0].diff, top[0].diff
            self.xp.subtract(1, top[0].data, out=self._slope)
            self._slope /= self._c
            self.xp.multiply(dy, self._slope, out=dx)
