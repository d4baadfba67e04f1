"""Binomial normal log likelihood, the smooth rectifier."""

from __future__ import annotations

from caffe_lite.layers._neuron import Array, Neuron
from caffe_lite.layers.registry import register


@register("BNLL")
class BNLL(Neuron):
    """Smooth rectifier (softplus): y = log(1 + exp(x)).

    bottom[0]  x  any shape
    top[0]     y  the shape of x, > 0; may be the bottom

    Caffe: src/caffe/layers/bnll_layer.cpp

    Differences from Caffe: in place, Caffe takes the gradient at y instead of x; here it is right.

    Example::

        layer { name: "bnll" type: "BNLL" bottom: "x" top: "y" }
    """

    reads_x = True

    def function(self, x: Array, y: Array) -> None:
        self.xp.logaddexp(x, 0, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        # 1 / (1 + exp(-x)) as exp(-log(1 + exp(-x))): neither overflows nor cancels.
        xp = self.xp
        xp.negative(x, out=slope)
        xp.logaddexp(slope, 0, out=slope)
        xp.negative(slope, out=slope)
        xp.exp(slope, out=slope)
