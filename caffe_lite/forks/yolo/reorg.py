"""Reorg: squares of pixels as channels, or channels as squares of pixels."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, Shape


@register("Reorg")
class Reorg(Layer):
    """Pixels reordered so that an image of a quarter of the size has four times the channels.

    With s = stride, K = C / s^2 and places in memory counted as in an array of the shape given:

        z[(a s + b) K + k, h, w] = x[k, h s + a, w s + b]    z (C, H, W), x (K, H s, W s)

    By default x is the bottom's memory and z the top's. With `reverse` z is the bottom and x the
    top. As in Darknet, only with `reverse` the arrays have these shapes in the net, too.

    bottom[0]  (N, C, H, W)  C a multiple of s^2; H and W multiples of s without `reverse`
    top[0]     (N, C s^2, H / s, W / s); with `reverse` (N, C / s^2, H s, W s)

    Differences from eric612's layer: it has a gradient; there, backward reads a diff that nothing
    has written.

    Source: eric612/MobileNet-YOLO, intel/caffe

    Example::

        layer { name: "reorg" type: "Reorg" bottom: "x" top: "y" reorg_param { stride: 2 } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, param = bottom[0].shape, self.param.reorg_param
        stride, reverse = param.stride, param.reverse
        if stride < 1:
            raise self.fail("give reorg_param a stride of at least 1")
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        number, channels, height, width = shape
        if channels % stride**2 or (not reverse and (height % stride or width % stride)):
            sides = "" if reverse else f", height and width by {stride}"
            raise self.fail(
                f"stride {stride} needs channels that can be divided by {stride**2}{sides}, "
                f"got shape {shape}"
            )
        inner = channels // stride**2
        # Both as six axes; the pixels of x lie apart, those of z are a plane.
        self._pixels: Shape = (number, inner, height, stride, width, stride)
        self._planes: Shape = (number, stride, stride, inner, height, width)
        if reverse:
            top[0].reshape(number, inner, height * stride, width * stride)
        else:
            top[0].reshape(number, channels * stride**2, height // stride, width // stride)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._move(bottom[0].data, top[0].data, self.param.reorg_param.reverse)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            self._move(top[0].diff, bottom[0].diff, not self.param.reorg_param.reverse)

    def _move(self, source: Array, target: Array, to_pixels: bool) -> None:
        if to_pixels:
            moved = source.reshape(self._planes).transpose(0, 3, 4, 1, 5, 2)
            target.reshape(self._pixels)[...] = moved
        else:
            moved = source.reshape(self._pixels).transpose(0, 3, 5, 1, 2, 4)
            target.reshape(self._planes)[...] = moved
