"""Items of a batch that a selector lets through."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("Filter")
class Filter(Layer):
    """The items whose selector is not 0, in their order: y = x[selector != 0].

    bottom[0 ... K-1]  x         (N, ...)      any number of blobs, filtered alike
    bottom[K]          selector  (N, 1, ...)   its gradient is 0
    top[0 ... K-1]     y         (M, ...)      M = number of selectors that are not 0, maybe none

    Backward: dx[n] = dy of the item n if it was let through, else 0. Kept from forward: the
    positions of the items.

    Before the first forward the tops have N items. Shapes follow from the selector's data, so the
    tops change theirs in every forward.

    Caffe: src/caffe/layers/filter_layer.cpp

    Differences from Caffe: a gradient that is asked for the selector is 0; Caffe stops there. NaN
    in the selector is an error; Caffe lets its item through.

    Example::

        layer { name: "keep" type: "Filter" bottom: "x" bottom: "selector" top: "y" }
    """

    bottoms = (2, None)
    tops = (1, None)
    reshape_every_forward = True
    varying_axis = 0
    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if len(top) != len(bottom) - 1:
            raise self.fail(
                f"needs one top for each bottom but the selector, got {len(bottom)} "
                f"bottoms and {len(top)} tops"
            )
        self._first = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        *items, selector = bottom
        if not selector.shape or prod(selector.shape[1:]) != 1:
            raise self.fail(
                "the selector (last bottom) must have one value per item, shape "
                f"(N, 1, ...), got {selector.shape}"
            )
        for i, blob in enumerate(items):
            if blob.shape[:1] != selector.shape[:1]:
                raise self.fail(
                    f"every bottom must have the selector's first dimension "
                    f"{selector.shape[0]}, bottom[{i}] is {blob.shape}"
                )
        values = self.ops.to_host(selector.data).reshape(-1)
        if (values != values).any():
            raise self.fail(
                "the selector (last bottom) must hold numbers, 0 for items to leave out; that of "
                f"item {(values != values).argmax()} is nan"
            )
        chosen = values.nonzero()[0]
        self._ids = self.ops.asarray(chosen, "int32")
        count = selector.shape[0] if self._first else len(chosen)
        self._first = False
        for x, y in zip(items, top, strict=True):
            y.reshape(count, *x.shape[1:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for x, y in zip(bottom, top, strict=False):
            if y.count:
                self.ops.take(_rows(x.data), self._ids, _rows(y.data))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        for i, blob in enumerate(bottom):
            if propagate_down[i]:
                blob.diff[...] = 0
                if i < len(top) and top[i].count:
                    self.ops.scatter_add(_rows(blob.diff), self._ids, _rows(top[i].diff))


def _rows(array: Array) -> Array:
    return array.reshape(len(array), -1)
