"""Softmax over one axis."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Softmax")
class Softmax(Layer):
    """Probabilities along `axis`: y = exp(x) / sum exp(x).

    bottom[0]  x  (outer axes, C, inner axes)
    top[0]     y  shape of x; may be the bottom; each line along the axis sums to 1

    Backward: dx = y * (dy - sum of dy * y along the axis). Kept from forward: nothing; y is read
    from the top.

    `engine` is a hint without effect.

    Caffe: src/caffe/layers/softmax_layer.cpp

    Example::

        layer { name: "prob" type: "Softmax" bottom: "data" top: "prob" softmax_param { axis: 1 } }
    """

    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.note_hint(self.param.softmax_param, "engine")

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        axis = self.canonical_axis(self.param.softmax_param.axis, len(shape))
        top[0].reshape(*shape)
        self._view = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.ops.softmax(bottom[0].data.reshape(self._view), top[0].data.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            y, dy, dx = top[0].data, top[0].diff, bottom[0].diff
            self.ops.softmax_grad(*(a.reshape(self._view) for a in (y, dy, dx)))
