"""Non-maximum suppression of boxes: `NMSBoxes`, `NMSBoxesBatched`, `softNMSBoxes`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.dnn.constants import (
    SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN,
    SOFT_NMSMETHOD_SOFTNMS_LINEAR,
)
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.errors import UsageError
from caffe_lite.types import Array

_EMPTY = np.finfo(np.float32).eps  # the sum of two areas up to which they count as one


@raises_cv2_error
def NMSBoxes(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_threshold: float,
    eta: float = 1.0,
    top_k: int = 0,
) -> Array | tuple[()]:
    """The indices of boxes that are kept, best first (int32); an empty tuple if there are none.

    Of the boxes (x, y, width, height) with scores above `score_threshold`, the `top_k` best or all
    with 0, one goes if it overlaps a better one by more than `nms_threshold` (intersection over
    union). `eta` below 1 lowers the threshold after each box that is kept, down to 0.5.
    """
    boxes, values = _checked(bboxes, scores, score_threshold, nms_threshold)
    _require(eta > 0, f"eta must be positive, got {eta:g}")
    return _indices(_suppress(boxes, values, score_threshold, nms_threshold, eta, top_k))


@raises_cv2_error
def NMSBoxesBatched(
    bboxes: Any,
    scores: Any,
    class_ids: Any,
    score_threshold: float,
    nms_threshold: float,
    eta: float = 1.0,
    top_k: int = 0,
) -> Array | tuple[()]:
    """As `NMSBoxes`, where boxes of different classes do not suppress each other."""
    boxes, values = _checked(bboxes, scores, 0, nms_threshold)
    _require(eta > 0, f"eta must be positive, got {eta:g}")
    classes = np.asarray(class_ids).reshape(-1)
    _require(len(classes) == len(values), f"got {len(values)} scores and {len(classes)} class_ids")
    if len(boxes):
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        boxes = boxes.copy()
        boxes[:, :2] += (classes * (max(corners.max(), 0) + 1))[:, None]
    return _indices(_suppress(boxes, values, score_threshold, nms_threshold, eta, top_k))


@raises_cv2_error
def softNMSBoxes(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_threshold: float,
    top_k: int = 0,
    sigma: float = 0.5,
    method: int = SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN,
) -> tuple[Array | tuple[()], Array | tuple[()]]:
    """Scores that sink where boxes overlap better ones: those left, best first, and their indices.

    A score is multiplied by exp(-overlap^2 / sigma), or, with the method SOFTNMS_LINEAR and an
    overlap above `nms_threshold`, by 1 - overlap. Boxes below `score_threshold` are left out. Bodla
    et al., ICCV 2017.
    """
    boxes, values = _checked(bboxes, scores, score_threshold, nms_threshold)
    _require(sigma >= 0, f"sigma must be at least 0, got {sigma:g}")
    methods = SOFT_NMSMETHOD_SOFTNMS_LINEAR, SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN
    _require(method in methods, f"method must be SOFTNMS_LINEAR or SOFTNMS_GAUSSIAN, got {method}")
    limit = min(top_k, len(boxes)) if top_k else len(boxes)
    left = values.copy()
    kept: list[int] = []
    updated: list[np.float32] = []
    while len(kept) < limit:
        best = int(left.argmax())
        if not left[best] >= score_threshold:
            break
        kept.append(best)
        updated.append(left[best])
        left[best] = -np.inf
        overlap = _overlaps(boxes[best], boxes)
        if method == SOFT_NMSMETHOD_SOFTNMS_LINEAR:
            factor = np.where(overlap > np.float32(nms_threshold), 1 - overlap, 1)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = np.exp(-(overlap * overlap) / np.float32(sigma))
        open_ = left >= score_threshold
        left[open_] *= factor.astype(np.float32)[open_]
        left[np.isnan(left)] = -np.inf
    return (np.array(updated, np.float32) if kept else ()), _indices(kept)


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise UsageError(text)


def _checked(
    bboxes: Any, scores: Any, score_threshold: float, nms_threshold: float
) -> tuple[Array, Array]:
    values = np.asarray(scores, np.float32).reshape(-1)
    try:
        boxes = np.asarray(bboxes, np.float64).reshape(len(bboxes), -1)
    except ValueError:
        boxes = np.zeros((len(bboxes), 0))
    _require(not len(boxes) or boxes.shape[1] == 4, "boxes must be (x, y, width, height)")
    _require(len(boxes) == len(values), f"got {len(boxes)} boxes and {len(values)} scores")
    _require(
        score_threshold >= 0 and nms_threshold >= 0,
        f"thresholds must be at least 0, got {score_threshold:g} and {nms_threshold:g}",
    )
    return boxes.reshape(-1, 4), values


def _indices(kept: Sequence[int]) -> Array | tuple[()]:
    return np.array(kept, np.int32) if len(kept) else ()


def _suppress(
    boxes: Array, scores: Array, least: float, overlap: float, eta: float, top_k: int
) -> list[int]:
    order = np.flatnonzero(scores > np.float32(least))
    order = order[np.argsort(-scores[order], kind="stable")]
    if top_k > 0:
        order = order[:top_k]
    threshold = np.float32(overlap)
    kept: list[int] = []
    for i in order:
        if kept and (_overlaps(boxes[i], boxes[kept]) > threshold).any():
            continue
        kept.append(int(i))
        if eta < 1 and threshold > 0.5:
            threshold *= np.float32(eta)
    return kept


def _overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of a box with others, as float32 (n,)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    sides = high - low
    common = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], 0.0)
    total = box[2] * box[3] + others[:, 2] * others[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = common / (total - common)
    ratio = np.where(total <= _EMPTY, 1.0, ratio)
    return np.float32(1) - (1 - ratio).astype(np.float32)
