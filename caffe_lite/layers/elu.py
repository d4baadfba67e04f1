"""Exponential linear unit."""

from caffe_lite.backend.operations import Activation, Operation
from caffe_lite.blob import Blob
from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("ELU")
class ELU(Neuron):
    """Exponential linear unit: y = x where x > 0, else alpha * (exp(x) - 1).

    Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, 2015.

    bottom[0]  x  any shape
    top[0]     y  the shape of x, > -alpha; may be the bottom

    Backward: dx = dy where x > 0, else dy * (y + alpha), since alpha * exp(x) = y + alpha. Kept
    from forward: nothing; a copy of x in place.

    Differences from Caffe: in place with a negative alpha, Caffe's gradient takes values that were
    negative for positive ones.

    Caffe: src/caffe/layers/elu_layer.cpp

    Example::

        layer { name: "elu" type: "ELU" bottom: "x" top: "y" elu_param { alpha: 0.5 } }
    """

    reads_x = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._alpha = self.param.elu_param.alpha
        self._negative = Blob(self.ops)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._negative.reshape(*bottom[0].shape)
        self._mask = self.ops.empty(bottom[0].shape, bool)

    def function(self, x: Array, y: Array) -> None:
        xp, negative = self.xp, self._negative.data
        xp.minimum(x, 0, out=negative)
        xp.exp(negative, out=negative)
        negative -= 1
        negative *= self._alpha
        xp.maximum(x, 0, out=y)
        y += negative

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Activation("elu", self._alpha)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        # alpha * exp(x) = y + alpha where x <= 0, else 1. Products beat a choice by mask.
        self.xp.add(y, self._alpha, out=slope)
        slope *= self.xp.less_equal(x, 0, out=self._mask)
        slope += self.xp.greater(x, 0, out=self._mask)
