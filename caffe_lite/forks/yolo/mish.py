"""Mish: a smooth rectification."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array


@register("Mish")
class Mish(Neuron):
    """A smooth rectification: y = x tanh(log(1 + exp(x))).

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    Misra, Mish, 2019; YOLO version 4 has it.

    Source: ChenYingpeng/caffe-yolov3

    Example::

        layer { name: "mish" type: "Mish" bottom: "data" top: "mish" }
    """

    keeps_layout = True
    reads_x = True

    def _gate(self, x: Array) -> Array:
        """tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2) with e = exp(x), 1 for large x."""
        e = self.xp.exp(self.xp.minimum(x, 20))
        squares = e * (e + 2)
        return squares / (squares + 2)

    def function(self, x: Array, y: Array) -> None:
        self.xp.multiply(x, self._gate(x), out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        xp, gate = self.xp, self._gate(x)
        # dgate/dx = (1 - gate^2) / (1 + exp(-x)), which is 0 far below
        bounded = xp.maximum(x, -80)
        slope[...] = gate + bounded * (1 - gate * gate) / (1 + xp.exp(-bounded))
