import numpy as np
import pytest

from caffe_lite.forks.boxes.nms import nms, rank, suppress

RNG = np.random.default_rng(7)


def overlap(a, b, extent=0):
    width = min(a[2], b[2]) - max(a[0], b[0]) + extent
    height = min(a[3], b[3]) - max(a[1], b[1]) + extent
    if width <= 0 or height <= 0:
        return 0
    first, second = ((x[2] - x[0] + extent) * (x[3] - x[1] + extent) for x in (a, b))
    return width * height / (first + second - width * height)


def by_loop(boxes, scores, threshold, eta=1.0, top_k=-1, extent=0, limit=-1):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    kept = []
    for i in order if top_k < 0 else order[:top_k]:
        if len(kept) == limit:
            break
        if all(overlap(boxes[i], boxes[k], extent) <= threshold for k in kept):
            kept.append(i)
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


def crowd(count, size):
    center, half = RNG.uniform(0, 1, (count, 2)), RNG.uniform(size / 2, size, (count, 2))
    return np.concatenate([center - half, center + half], axis=1), RNG.uniform(size=count)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 0.45},
        {"threshold": 0.1, "top_k": 90},
        {"threshold": 0.9, "eta": 0.97},
        {"threshold": 0.6, "limit": 17},
        {"threshold": 0.3, "extent": 1},
        {"threshold": 0.3, "top_k": 0},
    ],
)
@pytest.mark.parametrize("count", [0, 1, 100, 700])
def test_kept_boxes_are_those_of_the_loop(options, count):
    boxes, scores = crowd(count, 0.15)
    if "extent" in options:
        boxes = np.round(boxes * 60)
    expected = by_loop(boxes, scores, **options)
    assert nms(boxes, scores, **options).tolist() == expected
    if count == 700 and options.get("top_k"):
        assert 1 < len(expected) < 90


def test_eta_makes_a_difference():
    boxes, scores = crowd(200, 0.3)
    kept = nms(boxes, scores, 0.8), nms(boxes, scores, 0.8, eta=0.9)
    assert len(kept[1]) < len(kept[0])


def test_an_overlap_equal_to_the_threshold_is_kept():
    boxes = np.array([[0, 0, 2.0, 1], [1, 0, 3.0, 1]])
    assert suppress(boxes, 1 / 3).tolist() == [0, 1]
    assert suppress(boxes, 0.33).tolist() == [0]


def test_boxes_without_area_overlap_nothing():
    boxes = np.array([[1, 1, 1.0, 1]] * 3)
    assert suppress(boxes, 0.5).tolist() == [0, 1, 2]


def test_equal_scores_go_by_index_and_nan_comes_last():
    assert rank(np.array([1, np.nan, 2, 1.0, 2])).tolist() == [2, 4, 0, 3, 1]
    assert rank(np.array([1.0, 3, 2]), limit=2).tolist() == [1, 2]
