"""From scored boxes to detections, on the host: suppression depends on what it finds."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.forks.boxes.nms import nms, rank
from caffe_lite.types import Array


def to_rows(found: list[Array]) -> Array:
    """Detections of each image (K, 6) as rows (K, 7) that begin with the image's index.

    Without any, one row for each image that is -1 behind the index.
    """
    if not any(map(len, found)):
        found = [np.full((1, 6), -1.0)] * len(found)
    images = np.repeat(np.arange(len(found)), [len(each) for each in found])
    return np.column_stack([images, np.concatenate(found)])


@dataclass(frozen=True)
class Selection:
    """Which boxes become detections; negative `top_k` and `keep_top_k` mean no limit.

    `extent` is what a side is longer than the difference of its coordinates.
    """

    background: int
    threshold: float
    overlap: float
    eta: float
    top_k: int
    keep_top_k: int
    extent: float = 0

    def detect(self, boxes: Array, scores: Array) -> Array:
        """One image's detections (K, 6): label, score, box.

        `boxes` (P, L, 4) with L 1 or the number of classes; `scores` (P, C). Labels ascend, and
        scores descend within a label.
        """
        found = [
            self._detect_class(
                boxes[:, label if boxes.shape[1] > 1 else 0], scores[:, label], label
            )
            for label in range(scores.shape[1])
            if label != self.background
        ]
        together = np.concatenate([np.empty((0, 6), boxes.dtype), *found])
        if 0 <= self.keep_top_k < len(together):
            return together[np.sort(rank(together[:, 1], self.keep_top_k))]
        return together

    def _detect_class(self, boxes: Array, scores: Array, label: int) -> Array:
        candidates = np.flatnonzero(scores > self.threshold)  # NaN is not
        boxes, scores = boxes[candidates], scores[candidates]
        kept = nms(boxes, scores, self.overlap, self.eta, self.top_k, self.extent)
        labels = np.full(len(kept), label, boxes.dtype)
        return np.column_stack([labels, scores[kept], boxes[kept]])
