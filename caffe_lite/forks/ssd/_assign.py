"""Matching of priors or predictions with ground truth boxes, on the host."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.forks.boxes.frames import crosses_boundary
from caffe_lite.forks.boxes.matching import match
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.ssd._truths import Truths
from caffe_lite.types import Array

UNMATCHED, IGNORED = -1, -2


@dataclass
class Assignment:
    """What the P priors of N images are matched with, for each of L location classes.

    `match` (N, L, P) is the index of the ground truth, UNMATCHED or IGNORED; `overlap` (N, L, P)
    the largest overlap with any. `has_truth` (N,) says which images have ground truth.
    """

    match: Array
    overlap: Array
    has_truth: Array

    @classmethod
    def empty(cls, images: int, loc_classes: int, priors: int, dtype: Any) -> "Assignment":
        shape = (images, loc_classes, priors)
        overlap = np.zeros(shape, dtype)
        return cls(np.full(shape, UNMATCHED, np.intp), overlap, np.zeros(images, bool))

    def positives(self) -> tuple[Array, Array, Array, Array]:
        """Image, prior, location class and ground truth (K,) of every match."""
        image, loc_class, prior = np.nonzero(self.match >= 0)
        return image, prior, loc_class, self.match[image, loc_class, prior]

    def labels(self, of_truth: Array, others: int) -> Array:
        """The label (N, P) of each prior: that of its ground truth in `of_truth`, or `others`."""
        labels = np.full((len(self.match), self.match.shape[2]), others)
        image, prior, _, truth = self.positives()
        labels[image, prior] = of_truth[truth]
        return labels


@dataclass(frozen=True)
class Matcher:
    """The rules by which boxes are matched.

    `threshold` None matches each ground truth with one box. `background` is the location class that
    is not matched, if there are several.
    """

    threshold: float | None
    background: int
    ignore_crossing: bool

    def priors(self, priors: Array, truths: Truths, images: int, loc_classes: int) -> Assignment:
        """Match priors (P, 4) with all ground truth of each image.

        With several location classes a match belongs to the class of its ground truth.
        """
        made = Assignment.empty(images, loc_classes, len(priors), priors.dtype)
        for n, mine in self._by_image(made, truths):
            matched, overlap = self._match(priors, truths, mine)
            made.overlap[n] = overlap
            if loc_classes == 1:
                made.match[n, 0] = matched
                continue
            label = np.where(matched >= 0, truths.label[matched], -1)
            for c in self._matched_classes(loc_classes):
                made.match[n, c] = np.where(label == c, matched, UNMATCHED)
        return made

    def predictions(self, boxes: Array, truths: Truths) -> Assignment:
        """Match predicted boxes (N, P, L, 4) with the ground truth of their image and class."""
        images, count, loc_classes = boxes.shape[:3]
        made = Assignment.empty(images, loc_classes, count, boxes.dtype)
        for n, mine in self._by_image(made, truths):
            for c in self._matched_classes(loc_classes):
                chosen = mine if loc_classes == 1 else mine[truths.label[mine] == c]
                made.match[n, c], made.overlap[n, c] = self._match(boxes[n, :, c], truths, chosen)
        return made

    def _matched_classes(self, loc_classes: int) -> list[int]:
        return [c for c in range(loc_classes) if loc_classes == 1 or c != self.background]

    @staticmethod
    def _by_image(made: Assignment, truths: Truths) -> list[tuple[int, Array]]:
        """Each image that has ground truth, with the indices of that."""
        found = [(n, np.flatnonzero(truths.image == n)) for n in range(len(made.has_truth))]
        made.has_truth[:] = [len(mine) > 0 for _, mine in found]
        return [(n, mine) for n, mine in found if len(mine)]

    def _match(self, boxes: Array, truths: Truths, chosen: Array) -> tuple[Array, Array]:
        """Match boxes (P, 4) with the chosen ground truth: the matches and overlaps (P,)."""
        if not len(chosen):
            return np.full(len(boxes), UNMATCHED), np.zeros(len(boxes), boxes.dtype)
        overlaps = iou(np, boxes, truths.boxes[chosen])
        crossing = np.zeros(len(boxes), bool)
        if self.ignore_crossing:
            crossing = crosses_boundary(np, boxes)
            overlaps[crossing] = 0
        matched, best = match(overlaps, self.threshold)
        matched = np.where(matched >= 0, chosen[matched], UNMATCHED)
        matched[crossing] = IGNORED
        return matched, best
