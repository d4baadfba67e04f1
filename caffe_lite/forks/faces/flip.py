"""Flip: images mirrored."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Flip")
class Flip(Layer):
    """Mirrors images: left to right unless `flip_width: false`, top to bottom with `flip_height`.

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C, H, W)

    Source: happynear/caffe-windows

    Example::

        layer { name: "mirror" type: "Flip" bottom: "data" top: "mirror"
                flip_param { flip_width: true flip_height: true } }
    """

    keeps_layout = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        if len(bottom[0].shape) != 4:
            raise self.fail(f"needs images (N, C, H, W), got shape {bottom[0].shape}")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self._flipped(bottom[0].data)

    def _flipped(self, images: Array) -> Array:
        param = self.param.flip_param
        rows, columns = (-1 if flag else 1 for flag in (param.flip_height, param.flip_width))
        return images[..., ::rows, ::columns]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = self._flipped(top[0].diff)
