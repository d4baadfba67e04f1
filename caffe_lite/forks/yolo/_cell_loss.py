"""What the losses of YOLO share: predictions by cell, truths on the host, and the backward pass."""

import numpy as np

from caffe_lite.forks.yolo._similarity import similarity
from caffe_lite.forks.yolo._truths import COLUMNS, Truths, find_fault, is_ssd, read_truths
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Flags


class CellLoss(Layer):
    """A loss whose gradient forward computes.

    bottom[0] is seen as (N, boxes, 5 + classes, H, W): x, y, width, height, object and the classes.
    A subclass sets `_classes`, `_boxes` and `_anchors` (boxes, 2), in cells, in `setup`.
    """

    bottoms = (2, 2)
    no_gradient = (1,)
    is_loss = True
    host_side = True

    _classes: int
    _boxes: int
    _anchors: Array

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, channels = bottom[0].shape, self._boxes * (5 + self._classes)
        if len(shape) != 4 or shape[1] != channels:
            raise self.fail(
                f"bottom[0] must have shape (N, {channels}, H, W), for {self._boxes} boxes of 5 "
                f"numbers and {self._classes} classes, got {shape}"
            )
        rows = bottom[1].shape
        if not is_ssd(rows) and (rows[:1] != shape[:1] or bottom[1].count // shape[0] % COLUMNS):
            raise self.fail(
                f"bottom[1] must have rows of {COLUMNS} numbers for each of {shape[0]} images, "
                f"({shape[0]}, 1, K, {COLUMNS}), or be SSD's (1, 1, K, 8), got {rows}"
            )
        self._view = (shape[0], self._boxes, 5 + self._classes, *shape[2:])
        self._delta = self.ops.empty(self._view)
        self._scores = self.ops.empty(self._view)
        self._predicted = self.ops.empty((*self._view[:2], *shape[2:], 4))
        top[0].reshape()

    def _sigmoid(self, x: Array) -> Array:
        return 1 / (1 + self.xp.exp(-x))

    def _read_truths(self, bottom: Blobs) -> Truths:
        images = self._view[0]
        truths = read_truths(self.ops.to_host(bottom[1].data), images)
        fault = find_fault(truths, images, self._classes)
        if fault:
            raise self.fail(f"bottom[1]: {fault}")
        return truths

    def _predict(self, x: Array, position: Array) -> Array:
        """The boxes (N, boxes, H, W, 4), from `position` (N, boxes, 2, H, W) in the cell and x."""
        xp, boxes = self.xp, self._predicted
        height, width = self._view[3:]
        anchors = self.ops.asarray(self._anchors)[:, None, None]
        boxes[..., 0] = (position[:, :, 0] + xp.arange(width)) / width
        boxes[..., 1] = (position[:, :, 1] + xp.arange(height)[:, None]) / height
        boxes[..., 2] = xp.exp(x[:, :, 2]) * anchors[..., 0] / width
        boxes[..., 3] = xp.exp(x[:, :, 3]) * anchors[..., 1] / height
        return boxes

    def _best_overlap(self, kind: str, boxes: Array, truths: Truths) -> Array:
        """The largest similarity (N, boxes, H, W), at least 0, of each box with a truth."""
        xp = self.xp
        best = xp.zeros(boxes.shape[:-1], boxes.dtype)
        padded = self.ops.asarray(truths.padded(len(boxes)))
        for i in range(padded.shape[1]):
            truth = padded[:, i, None, None, None]
            likeness = similarity(xp, kind, boxes, truth)
            xp.maximum(best, xp.where(truth[..., 2] > 0, likeness, 0), out=best)
        return best

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            weight = top[0].diff / self._view[0]
            self.xp.multiply(self._delta, weight, out=bottom[0].diff.reshape(self._view))


def read_anchors(layer: Layer, biases: list[float], needed: int) -> Array:
    """The widths and heights (K, 2) of `biases`, at least `needed` of them."""
    if len(biases) % 2 or len(biases) < 2 * needed or min(biases, default=1) <= 0:
        raise layer.fail(
            f"biases must be the width and height of each of at least {needed} anchors, all "
            f"above 0, got {len(biases)} numbers"
        )
    return np.array(biases, np.float32).reshape(-1, 2)
