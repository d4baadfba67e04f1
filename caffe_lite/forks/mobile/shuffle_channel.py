"""ShuffleChannel: channels of several groups interleaved."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("ShuffleChannel")
class ShuffleChannel(Layer):
    """Channels of G groups interleaved: y[:, k G + g] = x[:, g K + k], with K = C / G.

    The first channels of all groups come first, then the second ones. Zhang et al., ShuffleNet,
    CVPR 2018.

    bottom[0]  x  (N, C, ...)  C a multiple of `group`
    top[0]     y  the shape of x

    Source: farmingyard/ShuffleNet

    Example::

        layer { name: "shuffle" type: "ShuffleChannel" bottom: "x" top: "y"
                shuffle_channel_param { group: 3 } }
    """

    keeps_layout = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, group = bottom[0].shape, self.param.shuffle_channel_param.group
        if len(shape) < 2 or group < 1 or shape[1] % group:
            raise self.fail(
                "group must be at least 1 and divide the channels, got group "
                f"{group} for a bottom of shape {shape}"
            )
        top[0].reshape(*shape)
        self._grouped = (shape[0], group, shape[1] // group, prod(shape[2:]))
        self._mixed = (shape[0], shape[1] // group, group, prod(shape[2:]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data.reshape(self._grouped), top[0].data.reshape(self._mixed)
        y[...] = _swapped(x)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._grouped)
            dx[...] = _swapped(top[0].diff.reshape(self._mixed))


def _swapped(a: Array) -> Array:
    return a.swapaxes(1, 2)
