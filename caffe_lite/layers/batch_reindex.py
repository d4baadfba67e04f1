"""Choice of items of a batch by index."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("BatchReindex")
class BatchReindex(Layer):
    """Items of a batch chosen by index: y[i] = x[index[i]]; an index may repeat, or be left out.

    bottom[0]  x      (N, ...)
    bottom[1]  index  (M,)      integers 0 ... N-1, stored as floats; takes no gradient
    top[0]     y      (M, ...)

    Backward: dx[n] = sum of dy[i] over the i with index[i] = n. Kept from forward: the index as
    integers.

    Caffe: src/caffe/layers/batch_reindex_layer.cpp

    Example::

        layer { name: "pick" type: "BatchReindex" bottom: "x" bottom: "index" top: "y" }
    """

    bottoms = (2, 2)
    no_gradient = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, index = bottom[0].shape, bottom[1].shape
        if not shape or len(index) != 1:
            raise self.fail(
                "needs items (N, ...) in bottom[0] and one axis of indices in "
                f"bottom[1], got shapes {shape} and {index}"
            )
        top[0].reshape(*index, *shape[1:])
        self._ids = self.ops.empty(index, "int32")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        items, index = len(bottom[0].data), bottom[1].data
        rule = f"an index in bottom[1] must be from 0 to {items - 1} (bottom[0] has {items} items)"
        self._require_whole(index, items, rule)
        self._ids[...] = index
        y = top[0].data
        self.ops.take(bottom[0].data.reshape(items, -1), self._ids, y.reshape(len(y), -1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to indices (bottom[1])")
        if propagate_down[0]:
            dx, dy = bottom[0].diff, top[0].diff
            dx[...] = 0
            self.ops.scatter_add(dx.reshape(len(dx), -1), self._ids, dy.reshape(len(dy), -1))
