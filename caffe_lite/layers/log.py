"""Logarithm."""

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.exp import log_of_base
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Log")
class Log(Neuron):
    """Logarithm: y = log_base(shift + scale * x); base -1 means e.

    bottom[0]  x  any shape, shift + scale * x > 0 (else NaN, or -inf at 0)
    top[0]     y  the shape of x; may be the bottom

    Backward: dx = dy * scale / ((shift + scale * x) ln(base)). Kept from forward: nothing; a copy
    of x in place.

    Caffe: src/caffe/layers/log_layer.cpp

    Differences from Caffe: in place, Caffe takes the gradient at y instead of x; here it is right.

    Example::

        layer { name: "log" type: "Log" bottom: "x" top: "y"
                log_param { base: 10 scale: 0.5 shift: 4 } }
    """

    reads_x = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.log_param
        self._log_base = log_of_base(self, param.base)
        if self._log_base == 0:
            raise self.fail("base must not be 1: no power of 1 is another number")
        self._scale, self._shift = param.scale, param.shift

    def function(self, x: Array, y: Array) -> None:
        self._affine(x, y)
        self.xp.log(y, out=y)
        if self._log_base != 1:
            y *= 1 / self._log_base

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self._affine(x, slope)
        self.xp.divide(self._scale / self._log_base, slope, out=slope)

    def _affine(self, x: Array, out: Array) -> None:
        self.xp.multiply(x, self._scale, out=out)
        if self._shift:
            out += self._shift
