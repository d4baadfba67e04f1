"""Greedy non-maximum suppression, on the host: each step depends on the ones before."""

import numpy as np

from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.types import Array

_BLOCK = 128  # boxes whose overlaps are computed together; larger blocks waste suppressed rows


def rank(scores: Array, limit: int = -1) -> Array:
    """The order (K,) of `scores` (N,) from high to low, equal ones by index; NaN comes last.

    At most `limit` indices, all if it is negative.
    """
    order = np.argsort(-scores, kind="stable")
    return order if limit < 0 else order[:limit]


def suppress(
    boxes: Array, threshold: float, eta: float = 1.0, extent: float = 0, limit: int = -1
) -> Array:
    """The indices (K,) of the boxes (N, 4) that are kept, best first.

    A box is dropped if its intersection over union with a kept one exceeds `threshold`. With
    `eta` < 1 the threshold is multiplied by it after each kept box while it is above 0.5. Stops at
    `limit` kept boxes unless that is negative.
    """
    kept: list[int] = []
    rest = np.arange(len(boxes))
    worst = np.zeros(len(boxes), boxes.dtype)  # the largest overlap of each with a kept box
    while len(rest):
        overlaps = iou(np, boxes[rest[:_BLOCK]], boxes[rest], extent)
        for row, shared in enumerate(overlaps):
            if len(kept) == limit:
                return np.array(kept, np.intp)
            if worst[row] <= threshold:
                kept.append(rest[row])
                np.maximum(worst, shared, out=worst)
                if eta < 1 and threshold > 0.5:
                    threshold *= eta
        alive = worst[_BLOCK:] <= threshold
        rest, worst = rest[_BLOCK:][alive], worst[_BLOCK:][alive]
    return np.array(kept, np.intp)


def nms(
    boxes: Array,
    scores: Array,
    threshold: float,
    eta: float = 1.0,
    top_k: int = -1,
    extent: float = 0,
    limit: int = -1,
) -> Array:
    """The indices (K,) of boxes (N, 4) that survive among the `top_k` of best `scores` (N,).

    They come in descending order of score. See `suppress` for the rest.
    """
    order = rank(scores, top_k)
    return order[suppress(boxes[order], threshold, eta, extent, limit)]
