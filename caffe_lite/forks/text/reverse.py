"""Reverse: an axis of a blob from its end to its start."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Reverse")
class Reverse(Layer):
    """The bottom with one axis reversed.

    bottom[0]  x  any shape of at least one axis
    top[0]     y  the shape of x; index i of `axis` (0) is its size - 1 - i of x

    Source: tianzhi0549/CTPN

    Example::

        layer { name: "back" type: "Reverse" bottom: "steps" top: "back"
                reverse_param { axis: 0 } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, axis = bottom[0].shape, self.param.reverse_param.axis
        if not 0 <= axis < len(shape):
            raise self.fail(f"axis must be from 0 to {len(shape) - 1}, got {axis}")
        self._axis = axis
        top[0].reshape(*shape)

    def _reversed(self, a: Array) -> Array:
        return a[(slice(None),) * self._axis + (slice(None, None, -1),)]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = self._reversed(bottom[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = self._reversed(top[0].diff)
