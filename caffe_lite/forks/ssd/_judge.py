"""Which detections are true, on the host."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.forks.boxes.nms import rank
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.ssd._pixels import to_pixels
from caffe_lite.forks.ssd._truths import Truths
from caffe_lite.types import Array

DETECTION = 7  # columns of a detection: image, label, score, xmin, ymin, xmax, ymax


def read_detections(rows: Array) -> Array:
    """The detections (K, 7) among rows of that form: those whose image and label are not -1."""
    rows = rows.reshape(-1, DETECTION)
    return rows[(rows[:, 0] != -1) & (rows[:, 1] != -1)]


@dataclass(frozen=True)
class Judge:
    """The rules of evaluation.

    A detection is true if the ground truth of its image and label that it overlaps most, by at
    least `threshold`, is not taken by one of higher score. Without `use_difficult`, a detection of
    a difficult ground truth is neither true nor false. `sizes` are heights and widths of the
    original images if boxes are to be compared in pixels; `resize` the ResizeParameter by which
    these came to the net.
    """

    threshold: float
    use_difficult: bool
    sizes: list[tuple[int, int]]
    resize: Any = None

    def count(self, truths: Truths, label: int) -> int:
        """How many ground truth boxes of a label are to be found."""
        counted = truths.label == label
        return int(np.count_nonzero(counted if self.use_difficult else counted & ~truths.difficult))

    def judge(self, detections: Array, truths: Truths, first: int) -> Array:
        """Rows (K, 5) of image, label, score, true, false, by image and label; best score first
        where there is ground truth of that label.

        Images that have detections take sizes in turn, beginning with number `first`.
        """
        judged = [np.empty((0, 5), detections.dtype)]
        for turn, image in enumerate(np.unique(detections[:, 0])):
            size = self.sizes[(first + turn) % len(self.sizes)] if self.sizes else None
            here = detections[detections[:, 0] == image]
            there = truths.only(truths.image == image)
            for label in np.unique(here[:, 1]):
                mine = here[here[:, 1] == label]
                same = there.only(there.label == label)
                if len(same):  # detections that are all false keep their order, as in SSD
                    mine = mine[rank(mine[:, 2])]
                verdicts = self._verdicts(mine[:, 3:], same, size)
                judged.append(np.column_stack([mine[:, :3], verdicts]))
        return np.concatenate(judged)

    def _verdicts(self, boxes: Array, truths: Truths, size: tuple[int, int] | None) -> Array:
        """Whether each box (K, 4), best first, is true and whether it is false (K, 2)."""
        verdicts = np.zeros((len(boxes), 2))
        if not len(truths):
            verdicts[:, 1] = 1
            return verdicts
        overlaps = self._overlaps(boxes, truths.boxes, size)
        taken = np.zeros(len(truths), bool)
        nearest = overlaps.argmax(axis=1)
        for k, j in enumerate(nearest):
            if overlaps[k, j] < self.threshold:
                verdicts[k, 1] = 1
            elif self.use_difficult or not truths.difficult[j]:
                verdicts[k, int(taken[j])] = 1
                taken[j] = True
        return verdicts

    def _overlaps(self, boxes: Array, truth: Array, size: tuple[int, int] | None) -> Array:
        if size is None:
            return iou(np, boxes, truth)
        mine, my_area = to_pixels(boxes, *size, self.resize)
        true, true_area = to_pixels(truth, *size, self.resize)
        return iou(np, mine, true, 1, my_area, true_area)


def as_rows(counts: list[tuple[int, int]], judged: Array) -> Array:
    """DetectionEvaluate's top (R, 5): rows (-1, label, count, -1, -1), then the judged ones."""
    head = np.full((len(counts), 5), -1, judged.dtype)
    head[:, 1:3] = np.reshape(counts, (-1, 2))
    return np.concatenate([head, judged])
