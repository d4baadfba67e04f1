"""Logistic sigmoid."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, ArrayModule, Blobs


@register("Sigmoid")
class Sigmoid(Neuron):
    """Logistic sigmoid: y = 1 / (1 + exp(-x)).

    bottom[0]  x  any shape
    top[0]     y  the shape of x, in [0, 1]; may be the bottom

    Backward: dx = dy * y * (1 - y). Kept from forward: nothing; y is read from the top.

    Caffe: src/caffe/layers/sigmoid_layer.cpp

    Example::

        layer { name: "gate" type: "Sigmoid" bottom: "x" top: "y" }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.note_hint(self.param.sigmoid_param, "engine")

    def function(self, x: Array, y: Array) -> None:
        sigmoid(self.xp, x, y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self.xp.subtract(1, y, out=slope)
        slope *= y


def sigmoid(xp: ArrayModule, x: Array, y: Array) -> None:
    """y = (1 + tanh(x / 2)) / 2, the logistic function in a form that cannot overflow."""
    xp.multiply(x, 0.5, out=y)
    xp.tanh(y, out=y)
    y *= 0.5
    y += 0.5
