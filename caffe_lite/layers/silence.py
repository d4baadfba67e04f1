"""Silence: takes blobs that no other layer uses."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Silence")
class Silence(Layer):
    """Takes blobs and makes none, so that they are not outputs of the net; the gradient is zero.

    bottom[i]  any shape

    Caffe: src/caffe/layers/silence_layer.cpp

    Example::

        layer { name: "quiet" type: "Silence" bottom: "label" }
    """

    bottoms = (1, None)
    tops = (0, 0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """There is no top to shape."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """There is no top to fill."""

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
