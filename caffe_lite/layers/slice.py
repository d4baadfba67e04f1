"""Slice: one blob cut along one axis."""

from collections.abc import Iterator
from itertools import pairwise

from caffe_lite.backend.operations import Cut, Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Slice")
class Slice(Layer):
    """Cuts the bottom along `axis` at the `slice_point`s, or into equal parts.

    bottom[0]  x    any shape
    top[i]     y_i  shape of x but for the size along the axis; a lone top: the bottom's memory

    Backward: dx = the dy_i side by side. Kept from forward: nothing.

    `slice_point` is given once less than there are tops, and rises. `slice_dim` is the older name
    of `axis` and may not be negative.

    Caffe: src/caffe/layers/slice_layer.cpp

    Example::

        layer { name: "cut" type: "Slice" bottom: "data" top: "a" top: "b"
                slice_param { axis: 1 slice_point: 1 } }
    """

    keeps_layout = True
    tops = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.slice_param
        if param.HasField("axis") and param.HasField("slice_dim"):
            raise self.fail("give axis or its older name slice_dim, not both")
        self._given_axis = param.slice_dim if param.HasField("slice_dim") else param.axis

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        self._axis = self.canonical_axis(self._given_axis, len(shape))
        self._cuts = self._find_cuts(shape[self._axis], len(top))
        for blob, (begin, end) in zip(top, pairwise(self._cuts), strict=True):
            blob.reshape(*shape[: self._axis], end - begin, *shape[self._axis + 1 :])
        if len(top) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _find_cuts(self, size: int, tops: int) -> list[int]:
        """Where the tops begin, and the end of the last."""
        points = list(self.param.slice_param.slice_point)
        if not points:
            if size % tops:
                raise self.fail(
                    f"{tops} tops cannot share axis {self._axis} of size {size} evenly; "
                    "give slice_point"
                )
            return list(range(0, size + 1, size // tops))
        cuts = [0, *points, size]
        if len(points) != tops - 1 or any(a >= b for a, b in pairwise(cuts)):
            raise self.fail(
                f"slice_point must be given {tops - 1} times (once less than tops) "
                f"and rise between 0 and {size}, the size of axis {self._axis}; got "
                f"{points}"
            )
        return cuts

    def _parts(self, x: Array) -> Iterator[Array]:
        for begin, end in pairwise(self._cuts):
            yield x[(slice(None),) * self._axis + (slice(begin, end),)]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if len(top) > 1:
            for blob, part in zip(top, self._parts(bottom[0].data), strict=True):
                blob.data[...] = part

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Cut(self._axis, tuple(self._cuts)) if len(top) > 1 else Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0] and len(top) > 1:
            for blob, part in zip(top, self._parts(bottom[0].diff), strict=True):
                part[...] = blob.diff
