"""ReLU: rectified linear units, leaky ones too."""

from caffe_lite.backend.operations import Activation, Operation
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("ReLU")
class ReLU(Layer):
    """Rectification: y = max(x, 0) + negative_slope * min(x, 0).

    bottom[0]  x  any shape
    top[0]     y  shape of x; may be the bottom

    Backward: dx = dy where x > 0, else negative_slope * dy. Kept from forward: nothing; in place y
    is read for x, whose sign it has.

    Caffe: src/caffe/layers/relu_layer.cpp

    Example::

        layer { name: "relu" type: "ReLU" bottom: "data" top: "relu"
                relu_param { negative_slope: 0.1 } }
    """

    keeps_layout = True
    in_place = True

    @property
    def keeps_signs(self) -> bool:
        return bool(self.slope >= 0)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.slope = self.param.relu_param.negative_slope
        self.note_hint(self.param.relu_param, "engine")

    @property
    def rectifier_slope(self) -> float | None:
        return self.slope if type(self) is ReLU else None

    def top_data_in_backward(self, in_place: bool) -> str:
        return "signs" if in_place else ""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.ops.relu(bottom[0].data, top[0].data, self.slope)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Activation("leaky", self.slope)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            self.ops.relu_grad(bottom[0].data, top[0].diff, bottom[0].diff, self.slope)
