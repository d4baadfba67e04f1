"""Binomial normal log likelihood, the smooth rectifier."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, ArrayModule


@register("BNLL")
class BNLL(Neuron):
    """Smooth rectifier (softplus): y = log(1 + exp(x)).

    bottom[0]  x  any shape
    top[0]     y  the shape of x, > 0; may be the bottom

    Backward: dx = dy * sigmoid(x). Kept from forward: nothing; a copy of x in place.

    Caffe: src/caffe/layers/bnll_layer.cpp

    Differences from Caffe: in place, Caffe takes the gradient at y instead of x; here it is right.

    Example::

        layer { name: "bnll" type: "BNLL" bottom: "x" top: "y" }
    """

    reads_x = True

    def function(self, x: Array, y: Array) -> None:
        softplus(self.xp, x, y, self._slope.data)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        # 1 / (1 + exp(-x)): an overflow of exp gives the right 0, and nothing cancels.
        xp = self.xp
        xp.negative(x, out=slope)
        xp.exp(slope, out=slope)
        slope += 1
        xp.divide(1, slope, out=slope)


def softplus(xp: ArrayModule, x: Array, y: Array, work: Array) -> None:
    """y = log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)), which cannot overflow; y may be x."""
    xp.abs(x, out=work)
    xp.negative(work, out=work)
    xp.exp(work, out=work)
    xp.log1p(work, out=work)
    xp.maximum(x, 0, out=y)
    y += work
