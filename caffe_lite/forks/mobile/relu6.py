"""ReLU6: a rectification that is bounded above."""

from caffe_lite.backend.operations import Activation, Operation
from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs

_TOP = 6.0


@register("ReLU6")
class ReLU6(Neuron):
    """Rectification with a bound: y = min(max(x, 0), 6) + negative_slope * min(x, 0).

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    `negative_slope` of relu6_param, or of relu_param, is 0 or more. The gradient is 1 for
    0 < x < 6, the slope for x <= 0 and 0 for x >= 6.

    Source: chuanqi305/ssd

    Example::

        layer { name: "relu6" type: "ReLU6" bottom: "data" top: "relu6" }
    """

    keeps_layout = True
    reads = ("relu6_param", "relu_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        own, general = self.param.relu6_param, self.param.relu_param
        param = own if own.HasField("negative_slope") else general
        self._leak = param.negative_slope
        if not self._leak >= 0:
            raise self.fail(f"negative_slope must be at least 0, got {self._leak:g}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._below_top = self.ops.empty(bottom[0].shape, bool)

    def function(self, x: Array, y: Array) -> None:
        xp, below = self.xp, self._slope.data
        if self._leak:
            xp.minimum(x, 0, out=below)
            below *= self._leak
        xp.minimum(x, _TOP, out=y)
        xp.maximum(y, 0, out=y)
        if self._leak:
            y += below

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return None if self._leak else Activation("clip", low=0.0, high=_TOP)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        xp = self.xp
        xp.greater(y, 0, out=slope)
        slope *= 1 - self._leak
        slope += self._leak
        xp.less(y, _TOP, out=self._below_top)
        slope *= self._below_top
