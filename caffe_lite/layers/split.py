"""Split: one blob for several layers; nets get these by themselves."""

from caffe_lite.backend.operations import Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Split")
class Split(Layer):
    """One blob for several layers: y_i = x; gradients add up. Nets insert it where needed.

    bottom[0]  x    any shape
    top[i]     y_i  shape of x, and its memory

    Backward: dx = sum of the dy_i. Kept from forward: nothing.

    Caffe: src/caffe/layers/split_layer.cpp

    Example::

        layer { name: "split" type: "Split" bottom: "data" top: "a" top: "b" }
    """

    keeps_layout = True
    tops = (1, None)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for blob in top:
            blob.reshape(*bottom[0].shape)
            blob.share_data(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """The tops share the bottom's data."""

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        if len(top) == 1:
            dx[...] = top[0].diff
            return
        self.xp.add(top[0].diff, top[1].diff, out=dx)
        for blob in top[2:]:
            self.xp.add(dx, blob.diff, out=dx)
