"""From boxes of cells to detections, on the host: suppression depends on what it finds."""

import numpy as np

from caffe_lite.forks.boxes.nms import rank, suppress
from caffe_lite.forks.yolo._similarity import corners
from caffe_lite.types import Array


def place(position: Array, size: Array, anchors: Array, cell: float = 1) -> Array:
    """Boxes (H, W, A, 4) x, y, width, height in fractions of the image.

    `position` (H, W, A, 2) is the centre in its cell, 0 to 1; `size` (H, W, A, 2) the logarithm of
    the sides in units of `anchors` (A, 2); these are in cells or, with `cell`, in pixels of which a
    cell has that many.
    """
    height, width = position.shape[:2]
    grid = np.array([width, height], position.dtype)
    corner = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    center = (position + corner[:, :, None]) / grid
    return np.concatenate([center, np.exp(size) * anchors / (grid * cell)], axis=-1)


def detect(labels: Array, scores: Array, boxes: Array, threshold: float) -> Array:
    """Detections (K, 6) label, score, xmin, ymin, xmax, ymax, best first.

    Candidates have `labels` (P,), `scores` (P,) and `boxes` (P, 4) x, y, width, height. One is
    dropped if a better one, of any class, overlaps it by `threshold` or more.
    """
    order = rank(scores)
    cornered = np.concatenate(corners(np, boxes[order]), axis=1)
    least = np.nextafter(np.float32(threshold), np.float32(-1))  # suppress() drops what is above
    kept = suppress(cornered, float(least))
    order = order[kept]
    return np.column_stack([labels[order], scores[order], cornered[kept]])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    """The softmax over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_cell(x: Array, boxes: int) -> Array:
    """The predictions (H, W, boxes, K) of one image (boxes * K, H, W)."""
    return x.reshape(boxes, -1, *x.shape[1:]).transpose(2, 3, 0, 1)
