"""Clipping to an interval."""

from caffe_lite.backend.operations import Activation, Operation
from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Clip")
class Clip(Neuron):
    """Clipping: y = max(min, min(x, max)); the gradient passes where min <= x <= max.

    bottom[0]  x  any shape
    top[0]     y  the shape of x, in [min, max]; may be the bottom

    Backward: dx = dy where min <= x <= max, else 0. Kept from forward: nothing; a copy of x in
    place.

    Caffe: src/caffe/layers/clip_layer.cpp

    Differences from Caffe: in place, Caffe lets the gradient of clipped elements through; here it
    is 0 as it is out of place. `min` and `max` are required, and `min` may not exceed `max`.

    Example::

        layer { name: "clip" type: "Clip" bottom: "x" top: "y" clip_param { min: -1 max: 1 } }
    """

    reads_x = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.clip_param
        if not (param.HasField("min") and param.HasField("max")):
            raise self.fail("needs both bounds: clip_param { min: ... max: ... }")
        if not param.min <= param.max:
            raise self.fail(f"min must not exceed max, got min {param.min:g} and max {param.max:g}")
        self._min, self._max = param.min, param.max

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._below = self.ops.empty(bottom[0].shape, bool)

    def function(self, x: Array, y: Array) -> None:
        self.xp.minimum(x, self._max, out=y)
        self.xp.maximum(y, self._min, out=y)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Activation("clip", low=self._min, high=self._max)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        self.xp.greater_equal(x, self._min, out=slope)
        self.xp.less_equal(x, self._max, out=self._below)
        slope *= self._below
