"""Step function."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Threshold")
class Threshold(Layer):
    """Step function: y = 1 where x > threshold, else 0. It has no gradient.

    bottom[0]  x  any shape
    top[0]     y  the shape of x, 0 or 1; may be the bottom

    Caffe: src/caffe/layers/threshold_layer.cpp

    Example::

        layer { name: "step" type: "Threshold" bottom: "x" top: "y"
                threshold_param { threshold: 0.25 } }
    """

    in_place = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        threshold = self.param.threshold_param.threshold
        self.xp.greater(bottom[0].data, threshold, out=top[0].data)
