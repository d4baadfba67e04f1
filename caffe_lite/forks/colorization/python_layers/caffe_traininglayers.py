"""`module: "caffe_traininglayers"` of interactive-deep-colorization's nets."""

from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.layers.base import Layer


class SpatialRepLayer(Layer):
    """Repeats the one place of a blob over the places of another.

    bottom[0]  x          (N, C, 1, 1)
    bottom[1]  reference  (N, C', H, W)  only its shape counts; its gradient is 0
    top[0]     y          (N, C, H, W)
    """

    type = "Python"
    bottoms = (2, 2)
    on_device = True

    def setup(self, bottom: Any, top: Any) -> None:
        """There is nothing to read."""

    def reshape(self, bottom: Any, top: Any) -> None:
        x, reference = bottom[0].shape, bottom[1].shape
        if len(x) != 4 or x[2:] != (1, 1) or len(reference) != 4:
            raise DataError(
                f"needs bottoms (N, C, 1, 1) and (N, C, H, W), got shapes {x} and {reference}"
            )
        top[0].reshape(*x[:2], *reference[2:])

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff.sum(axis=(2, 3), keepdims=True)
        if propagate_down[1]:
            bottom[1].diff[...] = 0
