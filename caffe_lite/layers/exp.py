"""Exponential."""

import math

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Exp")
class Exp(Neuron):
    """Exponential: y = base ^ (shift + scale * x); base -1 means e.

    bottom[0]  x  any shape
    top[0]     y  the shape of x, > 0; may be the bottom

    Backward: dx = dy * ln(base) * scale * y. Kept from forward: nothing; y is read from the top.

    Caffe: src/caffe/layers/exp_layer.cpp

    Example::

        layer { name: "exp" type: "Exp" bottom: "x" top: "y"
                exp_param { base: 2 scale: 0.5 shift: -1 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.exp_param
        log_base = log_of_base(self, param.base)
        self._inner = log_base * param.scale
        try:
            self._outer = math.exp(log_base * param.shift)
        except OverflowError as error:
            raise self.fail(f"base {param.base:g} ^ shift {param.shift:g} overflows") from error

    def function(self, x: Array, y: Array) -> None:
        self.xp.multiply(x, self._inner, out=y)
        self.xp.exp(y, out=y)
        if self._outer != 1:
            y *= self._outer

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self.xp.multiply(y, self._inner, out=slope)


def log_of_base(layer: Neuron, base: float) -> float:
    """ln(base), with -1 for e, as Exp and Log define it."""
    if base == -1:
        return 1.0
    if not 0 < base < math.inf:
        raise layer.fail(f"base must be positive and finite, or -1 for e, got {base:g}")
    return math.log(base)
