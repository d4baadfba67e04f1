"""Hyperbolic tangent."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("TanH")
class TanH(Neuron):
    """Hyperbolic tangent: y = tanh(x).

    bottom[0]  x  any shape
    top[0]     y  the shape of x, in [-1, 1]; may be the bottom

    Backward: dx = dy * (1 - y^2). Kept from forward: nothing; y is read from the top.

    Caffe: src/caffe/layers/tanh_layer.cpp

    Example::

        layer { name: "tanh" type: "TanH" bottom: "x" top: "y" }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.note_hint(self.param.tanh_param, "engine")

    def function(self, x: Array, y: Array) -> None:
        self.xp.tanh(x, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self.xp.multiply(y, y, out=slope)
        self.xp.subtract(1, slope, out=slope)
