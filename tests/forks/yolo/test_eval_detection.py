import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.forks.yolo.given import ANCHORS, CLASSES, as_ssd, biases, predictions, truths
from tests.forks.yolo.yolo_by_loop import iou, objects, predicted, sigmoid
from tests.layer_case import Case
from tests.layers.helpers import fails

SIDE = 4
PARAM = f"side: {SIDE} num_class: {CLASSES} num_object: 3 {biases()}"
LAYER = f'type: "EvalDetection" eval_detection_param {{ {PARAM} %s }}'
X, TRUTH = 2 * predictions(height=SIDE, width=SIDE), truths(objects=(4, 3))

CASES = [
    Case(
        "EvalDetection",
        f"eval_detection_param {{ {PARAM} nms: 0.45 }}",
        (X, TRUTH),
        gradient=False,
        allocates="the number of detections differs from batch to batch",
    )
]
SAMPLES = {"EvalDetection": (np.full((1, 16, 4, 4), 0.1), np.full((1, 1, 2, 5), 0.3))}


def by_loop(x, rows, kind, overlap, threshold):
    found = []
    x = x.reshape(3, 5 + CLASSES, SIDE, SIDE)
    for i, j, a in np.ndindex(SIDE, SIDE, 3):
        raw = x[a, :, i, j]
        classes = np.exp(raw[5:]) / np.exp(raw[5:]).sum()
        score = 1.0
        if kind != "PROB":
            score *= sigmoid(raw[4])
        if kind != "OBJ":
            score *= classes.max()
        found.append((int(classes.argmax()), score, predicted(raw, i, j, ANCHORS[a], SIDE, SIDE)))
    found.sort(key=lambda each: -each[1])
    kept = []
    for each in found:
        if all(iou(each[2], other[2]) < overlap for other in kept):
            kept.append(each)
    kept = [each for each in kept if each[1] >= 0.005]
    there = list(objects(rows))
    result = [sum(label == k for label, _ in there) for k in range(CLASSES)]
    taken = set()
    for label, score, box in sorted(kept, key=lambda each: each[0]):
        mine = [(iou(box, t), -k) for k, (name, t) in enumerate(there) if name == label]
        best, k = max(mine, default=(-1, None))
        true = best >= threshold and k not in taken
        false = not mine or (best >= threshold and not true)
        if best >= threshold:
            taken.add(k)
        result += [label, score, true, false]
    return result


@pytest.mark.parametrize("kind", ["OBJ", "PROB", "MULTIPLY"])
@pytest.mark.parametrize("overlap, threshold", [(0.45, 0.5), (0.9, 0.2), (0.9, 0.05)])
@pytest.mark.parametrize("ssd", [False, True])
def test_results(kind, overlap, threshold, ssd):
    text = LAYER % f"score_type: {kind} nms: {overlap} threshold: {threshold}"
    (rows,) = make_layer(text, [X, as_ssd(TRUTH) if ssd else TRUTH]).forward()
    assert rows.shape == (2, CLASSES + 4 * SIDE * SIDE * 3)
    for i in range(2):
        expected = by_loop(X[i], TRUTH[i], kind, overlap, threshold)
        np.testing.assert_allclose(rows[i, : len(expected)], expected, rtol=1e-6)
        assert (rows[i, len(expected) :] == 0).all()


def test_without_suppression_only_objects_are_counted():
    (rows,) = make_layer(LAYER % "", [X, TRUTH]).forward()
    counts = [np.bincount(each[0, each[0, :, 3] > 0, 0].astype(int), minlength=4) for each in TRUTH]
    np.testing.assert_array_equal(rows[:, :CLASSES], counts)
    assert (rows[:, CLASSES:] == 0).all()


def test_errors():
    fails(LAYER % "", [X[:, :, 1:], TRUTH], "(N, 27, 4, 4)", "(2, 27, 3, 4)")
    fails(LAYER % "", [X, TRUTH[:1]], "rows of 5 numbers for each of 2 images")
    bad = TRUTH.copy()
    bad[1, 0, 0, 0] = 9
    fails(LAYER % "", [X, bad], "class of an object", "got 9")
