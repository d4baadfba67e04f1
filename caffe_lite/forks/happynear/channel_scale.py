"""ChannelScale: all channels of a place times one number."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("ChannelScale")
class ChannelScale(Layer):
    """Product with one factor for each item and place, repeated over the channels: y = x * a.

    bottom[0]  x  (N, C, ...)
    bottom[1]  a  N * ... elements: one number for each item and place
    top[0]     y  the shape of x

    `do_forward: false` copies x to y. With `do_backward_feature: false` the gradient of x is that
    of y as it is; with `do_backward_scale: false` that of a is 0.

    Differences from happynear's layer: `global_scale` is refused.

    Source: happynear/caffe-windows

    Example::

        layer { name: "scale" type: "ChannelScale" bottom: "x" bottom: "a" top: "y" }
    """

    bottoms = (2, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if self.param.channel_scale_param.global_scale:
            raise self.fail(
                "global_scale is not supported; use a Scale layer with num_axes: 0 for one factor"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) < 2 or bottom[1].count * shape[1] != bottom[0].count:
            raise self.fail(
                "bottom[1] must have one number for each item and place of bottom[0] "
                f"{shape} (N, C, ...), got {bottom[1].shape}"
            )
        if bottom[1].shape[:1] != shape[:1]:
            raise self.fail(
                f"both bottoms must have as many items, got {shape} and {bottom[1].shape}"
            )
        top[0].reshape(*shape)
        self._view = (shape[0], shape[1], prod(shape[2:]))
        self._factors = (shape[0], 1, prod(shape[2:]))
        self._products = self.ops.empty(self._view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not self.param.channel_scale_param.do_forward:
            top[0].data[...] = bottom[0].data
            return
        x, a = bottom[0].data.reshape(self._view), bottom[1].data.reshape(self._factors)
        self.xp.multiply(x, a, out=top[0].data.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, param = self.xp, self.param.channel_scale_param
        dy = top[0].diff.reshape(self._view)
        if propagate_down[1]:
            da = bottom[1].diff.reshape(self._factors)
            if param.do_backward_scale:
                xp.multiply(dy, bottom[0].data.reshape(self._view), out=self._products)
                xp.sum(self._products, axis=1, keepdims=True, out=da)
            else:
                da[...] = 0
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            if param.do_backward_feature:
                xp.multiply(dy, bottom[1].data.reshape(self._factors), out=dx)
            else:
                dx[...] = dy
