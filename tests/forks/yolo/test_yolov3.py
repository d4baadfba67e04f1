import math

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.forks.yolo.given import ANCHORS, CLASSES, biases, predictions, truths
from tests.forks.yolo.yolo_by_loop import likeness, predicted, version3
from tests.layer_case import Case
from tests.layers.helpers import fails, untouched

ALL = [*ANCHORS, (0.5, 0.7)]
CELL = 16
PIXELS = [(w * CELL, h * CELL) for w, h in ALL]
PARAM = f"num_class: {CLASSES} num: 2 mask: 0 mask: 2 anchors_scale: {CELL} {biases(ALL, CELL)}"
LAYER = f'type: "Yolov3" yolov3_param {{ {PARAM} class_scale: 2 coord_scale: 3 thresh: 0.3 %s }}'

CASES = [
    Case(
        "Yolov3",
        f"yolov3_param {{ {PARAM} {more} }}",
        (predictions(boxes=2), truths()),
        gradient=False,
        own_gradient="darknet's loss is a sum of squares of gradients",
        allocates="the number of objects differs from batch to batch",
    )
    for more in ("", "iou_loss: CIOU use_logic_gradient: true")
]
SAMPLES = {"Yolov3": (np.full((1, 16, 3, 4), 0.1), np.full((1, 1, 2, 5), 0.3))}


ONE = np.array([1, 0.43, 0.52, 0.32, 0.71, *[0] * 5]).reshape(1, 1, 2, 5)  # goes to anchor 2


def crowded(images):
    """Objects of which two share a box."""
    truth = truths(images, objects=(4, 3), seed=3)
    truth[0, 0, 1] = truth[0, 0, 0] * [1, 1, 1, 1.02, 0.98]
    truth[0, 0, 1, 0] = (truth[0, 0, 0, 0] + 1) % CLASSES
    return truth


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize(
    "text, options",
    [
        ("", {}),
        ("label_smooth_eps: 0.3", {"eps": 0.3}),
        ("iou_thresh: 0.2", {"iou_thresh": 0.2}),
        ("iou_thresh: 1", {"iou_thresh": 1}),
        ("use_focal_loss: true", {"focal": True, "iou_thresh": 0.5}),
    ],
)
def test_gradients_and_loss_are_those_of_the_loop(text, options, images):
    if options.get("focal"):  # the fork gives an object to its best anchor twice
        text, options = text + " iou_thresh: 1", options | {"iou_thresh": 1}
    x, truth = predictions(images, boxes=2), crowded(images)
    run = make_layer(LAYER % text, [x, truth])
    (loss,) = run.forward()
    expected = version3(x, truth, PIXELS, [0, 2], CELL, CLASSES, 0.3, 2, 3, **options)
    np.testing.assert_allclose(loss, (expected**2).sum() / images, rtol=1e-6)
    (dx, _), _ = run.backward()
    np.testing.assert_allclose(dx, expected / images, rtol=1e-5, atol=1e-7)


def test_the_gradient_of_a_squared_error():
    x, truth = predictions(boxes=2), truths()
    plain, logic = (
        make_layer(LAYER % text, [x, truth])
        for text in ("", "use_logic_gradient: true object_scale: 1")
    )
    np.testing.assert_array_equal(plain.forward()[0], logic.forward()[0])
    (dx, _), _ = plain.backward()
    (changed, _), _ = logic.backward()
    s = 1 / (1 + np.exp(-x.reshape(2, 2, 9, 3, 5)))
    slope = s * (1 - s)
    slope[:, :, 2:4] = 1
    np.testing.assert_allclose(changed, dx * slope.reshape(x.shape), rtol=1e-12)


@pytest.mark.parametrize("kind", ["GIOU", "DIOU", "CIOU"])
def test_a_step_against_the_gradient_makes_boxes_more_similar(kind):
    truth = ONE
    for seed in range(6):
        x = predictions(1, boxes=2, seed=seed)
        text = f"iou_loss: {kind} iou_normalizer: 1 iou_thresh: 1 use_logic_gradient: true"
        run = make_layer(LAYER % text, [x, truth])
        run.forward()
        (dx, _), _ = run.backward()
        moved = np.argwhere(dx.reshape(2, 9, 3, 5)[:, 2] != 0)
        assert len(moved) == 1
        a, i, j = moved[0]
        at = (a, slice(None), i, j)
        t, step = x.reshape(2, 9, 3, 5)[at], dx.reshape(2, 9, 3, 5)[at]
        anchor = ALL[[0, 2][a]]
        before, after = (
            likeness(kind, predicted(t - rate * step, i, j, anchor, 3, 5), truth[0, 0, 0, 1:])
            for rate in (0, 1e-3)
        )
        assert after > before


def test_giou_is_twice_its_own_derivative_by_sides():
    """darknet does not halve the gradients of width and height."""
    x, truth = predictions(1, boxes=2, seed=2), ONE
    run = make_layer(LAYER % "iou_loss: GIOU iou_normalizer: 0.5 iou_thresh: 1", [x, truth])
    run.forward()
    (dx, _), _ = run.backward()
    dx = dx.reshape(2, 9, 3, 5)
    ((a, i, j),) = np.argwhere(dx[:, 2] != 0)
    box = np.array(predicted(x.reshape(2, 9, 3, 5)[a, :, i, j], i, j, ALL[[0, 2][a]], 3, 5))
    for k in range(4):
        step = np.eye(4)[k] * 1e-6
        numeric = -likeness("GIOU", box + step, truth[0, 0, 0, 1:])
        numeric += likeness("GIOU", box - step, truth[0, 0, 0, 1:])
        numeric /= 2e-6
        expected = (
            0.5 * numeric
            if k < 2
            else 0.5 * numeric * 2 * math.exp(x.reshape(2, 9, 3, 5)[a, k, i, j])
        )
        np.testing.assert_allclose(dx[a, k, i, j], expected, rtol=1e-4, atol=1e-8)


def test_max_delta_cuts_and_accumulate_adds():
    x, truth = predictions(1, boxes=2), ONE
    twice = truth.copy()
    twice[0, 0, 1] = truth[0, 0, 0]

    def boxes(text, rows):
        run = make_layer(LAYER % f"iou_loss: GIOU iou_thresh: 1 {text}", [x, rows])
        run.forward()
        return run.backward()[0][0].reshape(2, 9, 3, 5)[:, :4]

    np.testing.assert_allclose(boxes("", twice), 2 * boxes("", truth), rtol=1e-12)
    np.testing.assert_allclose(boxes("accumulate: false", twice), boxes("", truth), rtol=1e-12)
    largest = abs(boxes("", truth)).max()
    cut = boxes(f"max_delta: {largest / 2}", truth)
    np.testing.assert_allclose(cut, np.clip(boxes("", truth), -largest / 2, largest / 2), rtol=1e-6)


@pytest.mark.parametrize("kind", ["GIOU", "DIOU", "CIOU"])
def test_the_loss_with_a_similarity(kind):
    x, truth = predictions(1, boxes=2), ONE
    run = make_layer(LAYER % f"iou_loss: {kind} iou_normalizer: 0.5 iou_thresh: 1", [x, truth])
    (loss,) = run.forward()
    (dx, _), _ = run.backward()
    dx = dx.reshape(2, 9, 3, 5)
    ((a, i, j),) = np.argwhere(dx[:, 2] != 0)
    box = predicted(x.reshape(2, 9, 3, 5)[a, :, i, j], i, j, ALL[[0, 2][a]], 3, 5)
    expected = (dx[:, 4:] ** 2).sum() + 0.5 * (1 - likeness(kind, box, truth[0, 0, 0, 1:]))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_without_propagate_down_the_gradient_stays():
    run = make_layer(LAYER % "use_logic_gradient: true", [predictions(boxes=2), truths()])
    untouched(run, [1.0])


def test_errors():
    x, truth = predictions(boxes=2), truths()
    fails(LAYER % "mask: 1", [x, truth], "mask must name num: 2 of the 4 anchors", "[0, 2, 1]")
    fails(LAYER.replace("mask: 2", "mask: 7") % "", [x, truth], "from 0, got [0, 7]")
    fails(LAYER.replace("anchors_scale: 16", "anchors_scale: 0") % "", [x, truth], "above 0")
    fails(LAYER % "biases: 3", [x, truth], "biases must be", "got 9 numbers")
    truth[0, 0, 0, 0] = -1
    fails(LAYER % "", [x, truth], "class of an object must be from 0 to 3, got -1")
