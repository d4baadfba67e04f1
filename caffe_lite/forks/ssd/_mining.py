"""Hard example mining: which priors the confidence loss counts, on the host."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.forks.boxes.nms import rank, suppress
from caffe_lite.forks.boxes.overlaps import areas
from caffe_lite.forks.ssd._assign import UNMATCHED, Assignment
from caffe_lite.types import Array

_LEAST_AREA = 1e-5  # smaller boxes are not sampled where boxes are suppressed


@dataclass(frozen=True)
class Miner:
    """The rules of mining.

    `sample_size` None takes negatives, `ratio` for each positive, of those that overlap no ground
    truth by `least_overlap`; else that many priors are taken, whatever they are. `suppression`,
    if any, drops candidates that overlap one of larger loss by more, among the `top_k` of largest
    loss (all if negative).
    """

    sample_size: int | None
    ratio: float
    least_overlap: float
    suppression: float | None
    top_k: int

    def mine(self, assignment: Assignment, losses: Array, boxes: Array) -> Array:
        """Choose by the losses (N, P) of all priors: returns the mask (N, P) of negatives.

        Takes matches that are not chosen out of the assignment, which has one location class.
        `boxes` (N, P, 4), or (1, P, 4) for all images, are those that suppression compares.
        """
        negatives = np.zeros(losses.shape, bool)
        for n in np.flatnonzero(assignment.has_truth):
            match = assignment.match[n, 0]
            chosen = self._choose(match, assignment.overlap[n, 0], losses[n], boxes[n % len(boxes)])
            negatives[n] = chosen & (match == UNMATCHED)
            if self.sample_size is not None:
                match[(match >= 0) & ~chosen] = UNMATCHED
        return negatives

    def _choose(self, match: Array, overlap: Array, losses: Array, boxes: Array) -> Array:
        if self.sample_size is None:
            candidates = np.flatnonzero((match == UNMATCHED) & (overlap < self.least_overlap))
            count = int(np.count_nonzero(match >= 0) * np.float32(self.ratio))
        else:
            candidates, count = np.arange(len(match)), self.sample_size
        order = candidates[rank(losses[candidates])]
        if self.suppression is not None:
            order = order if self.top_k < 0 else order[: self.top_k]
            order = order[areas(np, boxes[order]) >= _LEAST_AREA]
            order = order[suppress(boxes[order], self.suppression)]
        chosen = np.zeros(len(match), bool)
        chosen[order[:count]] = True
        return chosen
