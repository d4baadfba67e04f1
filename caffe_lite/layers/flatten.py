"""Flatten: several axes as one."""

from math import prod

from caffe_lite.backend.operations import Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Flatten")
class Flatten(Layer):
    """Takes the axes from `axis` to `end_axis` (included) as one; the memory is the bottom's.

    With `end_axis` just before `axis` no axes are joined; an axis of size 1 is inserted.

    bottom[0]  x  any shape
    top[0]     y  the axes before `axis`, their product, the axes after `end_axis`

    Backward: dx = dy, the same memory. Kept from forward: nothing.

    Differences from Caffe: the gradient reaches every layer before this one; Caffe gives the bottom
    other memory in backward, by which an LSTM, RNN, Parameter, Reshape, or a Slice or Concat of one
    blob, right before a Flatten goes without.

    Caffe: src/caffe/layers/flatten_layer.cpp

    Example::

        layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" flatten_param { axis: 1 } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, param = bottom[0].shape, self.param.flatten_param
        first = self.canonical_axis(param.axis, len(shape))
        last = self.canonical_axis(param.end_axis, len(shape), "end_axis")
        if last < first - 1:
            raise self.fail(
                f"end_axis ({param.end_axis}) must not come before axis ({param.axis}) "
                f"in a bottom of shape {shape}"
            )
        top[0].reshape(*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """The top shares the bottom's data."""

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """The bottom shares the top's diff."""
