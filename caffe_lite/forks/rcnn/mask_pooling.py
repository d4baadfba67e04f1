"""MaskPooling: features times a mask."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("MaskPooling")
class MaskPooling(Layer):
    """Multiplies all channels of an item by its mask: y[n, c, h, w] = x[n, c, h, w] m[n, 0, h, w].

    bottom[0]  x  (N, C, H, W)
    bottom[1]  m  (N, 1, H, W)
    top[0]     y  (N, C, H, W)

    Source: daijifeng001/caffe-mnc

    Example::

        layer { name: "masked" type: "MaskPooling" bottom: "rois" bottom: "masks" top: "masked" }
    """

    bottoms = (2, 2)
    keeps_layout = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, mask = bottom[0].shape, bottom[1].shape
        if len(shape) != 4 or mask != (shape[0], 1, *shape[2:]):
            raise self.fail_shape(
                1,
                (*shape[:1], 1, *shape[2:]),
                f"needs features (N, C, H, W) and masks (N, 1, H, W), got shapes {shape} and "
                f"{mask}",
            )
        top[0].reshape(*shape)
        self._product = self.ops.empty(shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.xp.multiply(bottom[0].data, bottom[1].data, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, dy = self.xp, top[0].diff
        if propagate_down[0]:
            xp.multiply(dy, bottom[1].data, out=bottom[0].diff)
        if propagate_down[1]:
            xp.multiply(dy, bottom[0].data, out=self._product)
            xp.sum(self._product, axis=1, keepdims=True, out=bottom[1].diff)
