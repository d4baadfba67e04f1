"""Transpose: the axes of a blob in another order."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Transpose")
class Transpose(Layer):
    """The bottom with its axes in another order, as NumPy's transpose gives it.

    `dim` names all axes of the bottom in the order of the top's.

    bottom[0]  x  any shape of at least one axis
    top[0]     y  axis i is axis dim[i] of x

    Source: tianzhi0549/CTPN

    Example::

        layer { name: "steps" type: "Transpose" bottom: "conv" top: "steps"
                transpose_param { dim: 3 dim: 2 dim: 0 dim: 1 } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, order = bottom[0].shape, list(self.param.transpose_param.dim)
        if sorted(order) != list(range(len(shape))):
            raise self.fail(f"dim must name each axis of {shape} once, got {order}")
        self._order = order
        self._inverse = sorted(range(len(shape)), key=order.__getitem__)
        top[0].reshape(*(shape[axis] for axis in order))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = bottom[0].data.transpose(self._order)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff.transpose(self._inverse)
