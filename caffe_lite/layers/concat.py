"""Concat: blobs side by side along one axis."""

from collections.abc import Iterator

from caffe_lite.backend.operations import Join, Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Concat")
class Concat(Layer):
    """Puts bottoms side by side along `axis`.

    bottom[i]  x_i  of one shape but for the size along the axis
    top[0]     y    that shape, with the sum of the sizes; a lone bottom's memory

    Backward: dx_i = the part of dy that x_i went to. Kept from forward: nothing.

    `concat_dim` is the older name of `axis` and may not be negative.

    Caffe: src/caffe/layers/concat_layer.cpp

    Example::

        layer { name: "both" type: "Concat" bottom: "a" bottom: "b" top: "both"
                concat_param { axis: 1 } }
    """

    keeps_layout = True
    bottoms = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.concat_param
        if param.HasField("axis") and param.HasField("concat_dim"):
            raise self.fail("give axis or its older name concat_dim, not both")
        self._given_axis = param.concat_dim if param.HasField("concat_dim") else param.axis

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = list(bottom[0].shape)
        self._axis = self.canonical_axis(self._given_axis, len(shape))
        for i, blob in enumerate(bottom[1:], 1):
            other = list(blob.shape)
            if len(other) == len(shape):
                other[self._axis] = shape[self._axis]
            if other != shape:
                raise self.fail_shape(
                    i,
                    bottom[0].shape,
                    f"all bottoms must have the same shape but for axis {self._axis}; "
                    f"bottom[0] has {bottom[0].shape}, bottom[{i}] {blob.shape}",
                )
        shape[self._axis] = sum(blob.shape[self._axis] for blob in bottom)
        top[0].reshape(*shape)
        if len(bottom) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _parts(self, y: Array, bottom: Blobs) -> Iterator[Array]:
        begin = 0
        for blob in bottom:
            end = begin + blob.shape[self._axis]
            yield y[(slice(None),) * self._axis + (slice(begin, end),)]
            begin = end

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) > 1:
            for part, blob in zip(self._parts(top[0].data, bottom), bottom, strict=True):
                part[...] = blob.data

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Join(self._axis) if len(bottom) > 1 else Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if len(bottom) > 1:
            parts = self._parts(top[0].diff, bottom)
            for part, blob, flag in zip(parts, bottom, propagate_down, strict=True):
                if flag:
                    blob.diff[...] = part
