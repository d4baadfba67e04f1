"""Axpy: a feature map times a factor for each channel, plus another feature map."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Axpy")
class Axpy(Layer):
    """Sum with one factor for each item and channel: y = a * x1 + x2.

    It joins the branches of a Squeeze-and-Excitation block. Hu et al., CVPR 2018.

    bottom[0]  a   (N, C) or (N, C, 1, 1)
    bottom[1]  x1  (N, C, ...)
    bottom[2]  x2  the shape of x1
    top[0]     y   the shape of x1

    OpenCV's importer computes a * x2 + x1 instead.

    Source: hujie-frank/SENet

    Example::

        layer { name: "axpy" type: "Axpy" bottom: "a" bottom: "x1" bottom: "x2" top: "y" }
    """

    bottoms = (3, 3)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        factor, shape = bottom[0].shape, bottom[1].shape
        if shape != bottom[2].shape:
            raise self.fail(
                f"bottom[1] and bottom[2] must have one shape, got {shape} and {bottom[2].shape}"
            )
        if len(shape) < 2 or factor[:2] != shape[:2] or prod(factor[2:]) != 1:
            raise self.fail(
                f"bottom[0] must have shape (N, C) or (N, C, 1, 1) for a bottom[1] of {shape}, "
                f"got {factor}"
            )
        top[0].reshape(*shape)
        self._view = (prod(shape[:2]), prod(shape[2:]))
        self._products = self.ops.empty(self._view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        y = top[0].data.reshape(self._view)
        self.xp.multiply(bottom[0].data.reshape(-1, 1), bottom[1].data.reshape(self._view), out=y)
        y += bottom[2].data.reshape(self._view)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp = self.xp
        dy = top[0].diff.reshape(self._view)
        if propagate_down[0]:
            xp.multiply(dy, bottom[1].data.reshape(self._view), out=self._products)
            xp.sum(self._products, axis=1, out=bottom[0].diff.reshape(-1))
        if propagate_down[1]:
            xp.multiply(dy, bottom[0].data.reshape(-1, 1), out=bottom[1].diff.reshape(self._view))
        if propagate_down[2]:
            bottom[2].diff[...] = top[0].diff
