"""Matching of priors with ground truth by overlap, on the host."""

import numpy as np

from caffe_lite.types import Array

LEAST_OVERLAP = 1e-6  # what overlaps less counts as apart


def match(overlaps: Array, threshold: float | None = None) -> tuple[Array, Array]:
    """Match priors with ground truth by their overlaps (P, G), greedily.

    First each ground truth gets the prior that overlaps it most, the largest overlap of all first;
    no prior serves two. With `threshold`, each prior left then gets the ground truth that it
    overlaps most, if by at least that much. Equal overlaps go to the lower index.

    Returns the index of each prior's ground truth, -1 for none (P,); and the overlap of each pair,
    for unmatched priors the largest that they have with any ground truth (P,).
    """
    overlaps = np.where(overlaps > LEAST_OVERLAP, overlaps, 0)
    priors, truths = overlaps.shape
    matches = np.full(priors, -1, np.intp)
    if not overlaps.size:
        return matches, np.zeros(priors, overlaps.dtype)
    best = overlaps.max(axis=1)
    left = overlaps.copy()
    for _ in range(min(priors, truths)):
        prior, truth = divmod(int(left.argmax()), truths)
        if left[prior, truth] <= 0:
            break
        matches[prior], best[prior] = truth, overlaps[prior, truth]
        left[prior], left[:, truth] = 0, 0
    if threshold is not None:
        nearest = overlaps.argmax(axis=1)
        largest = overlaps.max(axis=1)
        chosen = (matches < 0) & (largest >= threshold) & (largest > 0)
        matches[chosen] = nearest[chosen]
    return matches, best
