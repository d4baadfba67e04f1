"""What layers over items and classes share: items as rows, labels as indices, unit rows."""

from math import prod

from caffe_lite.blob import Blob
from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs

_EPSILON = 1e-6  # added to the squared length of a row


class LabelledLoss(LossLayer):
    """Base of losses over scores or distances (N, C) and one label for each item."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        count = bottom[0].shape[0]
        self.require_labels(bottom[1], count)
        self._view = (count, bottom[0].count // count)
        self._ids = self.ops.empty((count,), "int32")
        self._own = self.ops.empty(self._view, bool)

    def read_labels(self, bottom: Blobs) -> None:
        """Check the labels, and set `_ids` (N,) and `_own` (N, C), true at each item's class."""
        label, classes = bottom[1].data.reshape(-1), self._view[1]
        self.check_labels(label, classes)
        self._ids[...] = label
        self.xp.equal(self._ids[:, None], self.xp.arange(classes), out=self._own)


def rows_of(layer: Layer, bottom: Blob, axis: int) -> tuple[int, int]:
    """(M, K): the items of a bottom, and the numbers of each from `axis` on."""
    layer.require_elements([bottom])
    axis = layer.canonical_axis(axis, len(bottom.shape))
    return prod(bottom.shape[:axis]), prod(bottom.shape[axis:])


def scale_rows(layer: Layer, rows: Array, epsilon: float = _EPSILON) -> None:
    """Divide each row of an array (N, K) by its length, in place."""
    rows /= layer.xp.sqrt((rows * rows).sum(axis=1, keepdims=True) + epsilon)
