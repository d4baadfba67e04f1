"""Absolute value."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array


@register("AbsVal")
class AbsVal(Neuron):
    """Absolute value: y = |x|; the gradient at 0 is 0.

    bottom[0]  x  any shape
    top[0]     y  the shape of x, >= 0; not the bottom itself

    Backward: dx = dy * sign(x). Kept from forward: nothing; x is read from the bottom.

    Caffe: src/caffe/layers/absval_layer.cpp

    Example::

        layer { name: "abs" type: "AbsVal" bottom: "x" top: "y" }
    """

    in_place = False
    reads_x = True

    def function(self, x: Array, y: Array) -> None:
        self.xp.abs(x, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self.xp.sign(x, out=slope)
