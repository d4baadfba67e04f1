"""ChannelNorm: the Euclidean norm of the channels of each pixel."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags

_EPS = 1e-9


@register("ChannelNorm")
class ChannelNorm(Layer):
    """The Euclidean norm of the channels of each pixel: y = sqrt(sum over c of x_c^2).

    bottom[0]  x  (N, C, ...)
    top[0]     y  (N, 1, ...)

    The gradient is that of x_c / (y + 1e-9), so that it is 0 where all channels are.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "norm" type: "ChannelNorm" bottom: "flow" top: "norm" }
    """

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) < 2:
            raise self.fail(f"needs a bottom of at least 2 axes (N, C, ...), got shape {shape}")
        top[0].reshape(shape[0], 1, *shape[2:])
        self._squares = self.ops.empty(shape)
        self._divisor = self.ops.empty(top[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, y = self.xp, top[0].data
        xp.multiply(bottom[0].data, bottom[0].data, out=self._squares)
        xp.sum(self._squares, axis=1, keepdims=True, out=y)
        xp.sqrt(y, out=y)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            dx = bottom[0].diff
            self.xp.add(top[0].data, _EPS, out=self._divisor)
            self.xp.divide(bottom[0].data, self._divisor, out=dx)
            dx *= top[0].diff
