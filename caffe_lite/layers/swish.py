"""Swish."""

from caffe_lite.blob import Blob
from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.layers.sigmoid import sigmoid
from caffe_lite.types import Array, Blobs


@register("Swish")
class Swish(Neuron):
    """Swish: y = x * s with s = sigmoid(beta * x); dx = dy * (beta * y + s * (1 - beta * y)).

    Ramachandran et al., Searching for Activation Functions, 2017.

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    Backward: dx = dy * (beta * y + s * (1 - beta * y)). Kept from forward: s; y is read from the
    top.

    Caffe: src/caffe/layers/swish_layer.cpp

    Example::

        layer { name: "swish" type: "Swish" bottom: "x" top: "y" swish_param { beta: 1.5 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._beta = self.param.swish_param.beta
        self._gate = Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._gate.reshape(*bottom[0].shape)

    def function(self, x: Array, y: Array) -> None:
        gate = self._gate.data
        self.xp.multiply(x, self._beta, out=gate)
        sigmoid(self.xp, gate, gate)
        self.xp.multiply(x, gate, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        # beta * y + s - s * beta * y = beta * y * (1 - s) + s
        gate = self._gate.data
        self.xp.subtract(1, gate, out=slope)
        slope *= y
        slope *= self._beta
        slope += gate
