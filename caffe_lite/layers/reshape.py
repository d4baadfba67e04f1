"""Reshape: the same elements under another shape."""

from math import prod

from caffe_lite.backend.operations import Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Reshape")
class Reshape(Layer):
    """The same elements under another shape: `shape` replaces `num_axes` axes from `axis` on.

    bottom[0]  x  any shape
    top[0]     y  as many elements, in the bottom's memory

    Backward: dx = dy, the same memory. Kept from forward: nothing.

    A dim of 0 copies the bottom's dim at the same place after `axis`; one dim of -1 takes
    what is left. A negative `axis` counts from the end, past the last axis (-1: append axes);
    num_axes: -1 (the default) means all axes from `axis` on.

    Caffe: src/caffe/layers/reshape_layer.cpp

    Example::

        layer { name: "steps" type: "Reshape" bottom: "data" top: "steps"
                reshape_param { shape { dim: 0 dim: -1 } } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        first, last = self._span(len(shape))
        dims = list(self.param.reshape_param.shape.dim)
        if dims.count(-1) > 1 or any(d < -1 for d in dims):
            raise self.fail(f"dims must be positive, 0 (copy) or, once, -1 (infer), got {dims}")
        for i, dim in enumerate(dims):
            if dim == 0:
                if first + i >= len(shape):
                    raise self.fail(
                        f"dim {i} of the new shape is 0 (copy), but the bottom of "
                        f"shape {shape} has no axis {first + i}"
                    )
                dims[i] = shape[first + i]
        made = [*shape[:first], *dims, *shape[last:]]
        if -1 in made:
            known = prod(d for d in made if d != -1)
            made[made.index(-1)] = bottom[0].count // known
        if prod(made) != bottom[0].count:
            raise self.fail(
                f"cannot take the bottom of shape {shape} ({bottom[0].count} elements) "
                f"as {tuple(made)}"
            )
        top[0].reshape(*made)
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def _span(self, ndim: int) -> tuple[int, int]:
        """The bottom's axes that are replaced: the first, and one past the last."""
        param = self.param.reshape_param
        first = param.axis if param.axis >= 0 else ndim + 1 + param.axis
        if not 0 <= first <= ndim:
            raise self.fail(
                f"axis must be in [{-ndim - 1}, {ndim}] for a bottom of {ndim} axes, "
                f"got {param.axis}"
            )
        if param.num_axes < -1:
            raise self.fail(f"num_axes must be at least 0, or -1 for all, got {param.num_axes}")
        last = ndim if param.num_axes == -1 else first + param.num_axes
        if last > ndim:
            raise self.fail(
                f"axis + num_axes must be at most {ndim}, the bottom's number of axes, "
                f"got {first} + {param.num_axes}"
            )
        return first, last

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """The top shares the bottom's data."""

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """The bottom shares the top's diff."""
