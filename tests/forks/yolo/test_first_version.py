"""YOLO version 1's loss and its evaluation, against loops."""

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

RNG = np.random.default_rng(51)
N, S, C, B = 2, 3, 4, 2
PREDICTIONS = RNG.uniform(0.05, 0.9, (N, S * S * (C + 5 * B)))
LABELS = np.zeros((N, 7, S * S))
LABELS[:, 1] = RNG.uniform(size=(N, S * S)) < 0.5
LABELS[:, 0] = RNG.uniform(size=(N, S * S)) < 0.3
LABELS[:, 2] = RNG.integers(0, C, (N, S * S))
ROW, COLUMN = np.divmod(np.arange(S * S), S)
BOXES = RNG.uniform(0.1, 0.9, (N, S * S, 4))
BOXES[..., 0] = (COLUMN + BOXES[..., 0]) / S
BOXES[..., 1] = (ROW + BOXES[..., 1]) / S
LABELS[:, 3:] = BOXES.reshape(N, 4, S * S)
LABELS = LABELS.reshape(N, -1)
SIZES = f"side: {S} num_class: {C} num_object: {B}"
LOSS = f"""type: "DetectionLoss" detection_loss_param {{ {SIZES} object_scale: 1.5
           noobject_scale: 0.5 class_scale: 0.7 coord_scale: 5 %s }}"""
EVAL = f'type: "EvalDetection" eval_detection_param {{ {SIZES} %s }}'

CASES = [
    Case(
        "DetectionLoss",
        f"detection_loss_param {{ {SIZES} }}",
        (PREDICTIONS, LABELS),
        gradient=False,
        own_gradient="YOLO's own",
        allocates="the errors of all cells, on the host",
    ),
]
SAMPLES = {"GridDetectionLoss": (PREDICTIONS, LABELS)}


def planes(n):
    x = PREDICTIONS[n].reshape(C + 5 * B, S * S)
    return x[:C], x[C : C + B], x[C + B :].reshape(B, 4, S * S)


def label(n, j):
    """Difficult, there, class and box of a cell's object."""
    parts = LABELS[n].reshape(7, S * S)
    return (*parts[:3, j], parts[3:].reshape(-1)[4 * j : 4 * j + 4])


def placed(box, j, sqrt, constriant):
    x, y, w, h = box
    if constriant:
        x, y = (j % S + x) / S, (j // S + y) / S
    return np.array([x, y, w * w, h * h]) if sqrt else np.array([x, y, w, h])


def iou(a, b):
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2)
        - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2)
        for i in (0, 1)
    ]
    shared = sides[0] * sides[1] if min(sides) > 0 else 0
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def loss_by_loop(sqrt, constriant):
    """The loss, and the gradient of each prediction."""
    parts, count, others = np.zeros(4), 0, 0
    gradient = np.zeros((N, C + 5 * B, S * S))
    for n in range(N):
        classes, scores, boxes = planes(n)
        for j in range(S * S):
            _, there, kind, truth = label(n, j)
            best, overlap = -1, 0
            if there:
                count += 1
                mine = [placed(boxes[k, :, j], j, sqrt, constriant) for k in range(B)]
                shares = [iou(box, truth) for box in mine]
                nearest = np.argmin([np.linalg.norm(box - truth) for box in mine])
                best = int(np.argmax(shares)) if max(shares) > 0 else int(nearest)
                overlap = shares[best]
                wanted = np.arange(C) == kind
                parts[0] += ((classes[:, j] - wanted) ** 2).sum()
                gradient[n, :C, j] = 0.7 * (classes[:, j] - wanted)
                target = truth.copy()
                if constriant:
                    target[:2] = target[:2] * S - [j % S, j // S]
                if sqrt:
                    target[2:] = np.sqrt(target[2:])
                parts[3] += ((boxes[best, :, j] - target) ** 2).sum()
                place = C + B + 4 * best
                gradient[n, place : place + 4, j] = 5 * (boxes[best, :, j] - target)
            for k in range(B):
                if k == best:
                    parts[1] += (scores[k, j] - 1) ** 2
                    gradient[n, C + k, j] = 1.5 * (scores[k, j] - overlap)
                else:
                    others += 1
                    parts[2] += scores[k, j] ** 2
                    gradient[n, C + k, j] = 0.5 * scores[k, j]
    scaled = parts * [0.7, 1.5, 0.5, 5] / [count, count, others, count]
    return scaled.sum(), gradient / N


@pytest.mark.parametrize("sqrt", [True, False])
@pytest.mark.parametrize("constriant", [True, False])
def test_loss_and_yolos_gradient(sqrt, constriant):
    run = make_layer(
        LOSS % f"sqrt: {str(sqrt).lower()} constriant: {str(constriant).lower()}",
        [PREDICTIONS, LABELS],
    )
    loss, gradient = loss_by_loop(sqrt, constriant)
    np.testing.assert_allclose(run.forward()[0], loss, rtol=1e-6)
    (dx, _), _ = run.backward([np.array(0.3)], [True, False])
    np.testing.assert_allclose(dx.reshape(gradient.shape), 0.3 * gradient, rtol=1e-6, atol=1e-12)


def test_no_object():
    run = make_layer(LOSS % "", [PREDICTIONS[:1], np.zeros_like(LABELS[:1])])
    scores = planes(0)[1]
    np.testing.assert_allclose(run.forward()[0], 0.5 * (scores**2).mean(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["OBJ", "PROB", "MULTIPLY"])
@pytest.mark.parametrize("nms", [-1, 0.3])
def test_evaluation(kind, nms):
    text = f"score_type: {kind} nms: {nms} threshold: 0.2 sqrt: true constriant: true"
    image = np.zeros((N, 1, 1, 1))
    (results,) = make_layer(EVAL % text, [PREDICTIONS, LABELS, image]).forward()
    for n in range(N):
        classes, scores, boxes = planes(n)
        found = []
        for j in range(S * S):
            for k in range(B):
                p, o = classes[:, j].max(), scores[k, j]
                score = {"OBJ": o, "PROB": p, "MULTIPLY": o * p}[kind]
                found.append((score, classes[:, j].argmax(), placed(boxes[k, :, j], j, True, True)))
        found.sort(key=lambda each: -each[0])
        if nms >= 0:
            kept = []
            for each in found:
                if all(iou(each[2], other[2]) < nms for other in kept):
                    kept.append(each)
            found = kept
        objects = [label(n, j) for j in range(S * S) if label(n, j)[1]]
        counts = [sum(o[2] == c and not o[0] for o in objects) for c in range(C)]
        rows, taken = [], set()
        for score, own, box in sorted(found, key=lambda each: each[1]):
            shares = [iou(box, o[3]) if o[2] == own else -1 for o in objects]
            best = int(np.argmax(shares))
            true = false = 0
            if shares[best] < 0.2:
                false = 1
            elif not objects[best][0]:
                true, false = (0, 1) if best in taken else (1, 0)
                taken.add(best)
            rows.append([own, score, true, false])
        expected = np.concatenate([counts, np.ravel(rows)])
        np.testing.assert_allclose(results[n, : len(expected)], expected, rtol=1e-6)
        assert not results[n, len(expected) :].any()


def test_errors():
    two = [PREDICTIONS, LABELS]
    fails(LOSS % "", [PREDICTIONS[:, 1:], LABELS], "126 predictions and 63 numbers")
    fails(EVAL % "", [PREDICTIONS, LABELS[:, 1:]], "126 predictions and 63 numbers")
    fails('type: "DetectionLoss" detection_loss_param { side: 0 }', two, "at least 1, got 0")
    bad = LABELS.copy()
    bad[:, S * S * 2 : S * S * 3] = C
    fails(LOSS % "", [PREDICTIONS, bad], "class of an object must be from 0 to 3, got 4")
    fails(EVAL % "", [PREDICTIONS, bad], "class of an object must be from 0 to 3, got 4")
