import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.forks.yolo.given import ANCHORS, CLASSES, biases, predictions
from tests.forks.yolo.yolo_by_loop import iou, predicted, sigmoid
from tests.layer_case import Case
from tests.layers.helpers import fails

PARAM = f"num_classes: {CLASSES} num_box: 3 {biases()}"
LAYER = f'type: "YoloDetectionOutput" yolo_detection_output_param {{ {PARAM} %s }}'

CASES = [
    Case(
        "YoloDetectionOutput",
        f"yolo_detection_output_param {{ {PARAM} }}",
        (predictions(),),
        gradient=False,
        allocates="the number of detections differs from batch to batch",
    )
]
SAMPLES = {"YoloDetectionOutput": (np.full((1, 16, 3, 4), 0.1),)}


def by_loop(maps, threshold, overlap):
    """The detections (label, score, box) of one image, boxes x, y, width, height."""
    found = []
    for x in maps:
        height, width = x.shape[1:]
        x = x.reshape(3, 5 + CLASSES, height, width)
        for a, i, j in np.ndindex(3, height, width):
            raw = x[a, :, i, j]
            classes = np.exp(raw[5:]) / np.exp(raw[5:]).sum()
            score = sigmoid(raw[4]) * classes.max()
            if score >= threshold:
                box = predicted(raw, i, j, ANCHORS[a], height, width)
                found.append((int(classes.argmax()) + 1, score, box))
    found.sort(key=lambda each: -each[1])
    kept = []
    for each in found:
        if all(iou(each[2], other[2]) < overlap for other in kept):
            kept.append(each)
    return kept


def as_rows(found):
    return [
        [image, label, score, x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        for image, each in enumerate(found)
        for label, score, (x, y, w, h) in each
    ]


@pytest.mark.parametrize("threshold, overlap", [(0.1, 0.45), (0.3, 0.1), (0.2, 1)])
def test_detections_of_one_map_and_of_two(threshold, overlap):
    first, second = 2 * predictions(), 2 * predictions(height=2, width=3, seed=4)
    text = LAYER % f"confidence_threshold: {threshold} nms_threshold: {overlap}"
    for maps in ([first], [first, second]):
        (rows,) = make_layer(text, maps).forward()
        expected = [by_loop([x[i] for x in maps], threshold, overlap) for i in range(2)]
        np.testing.assert_allclose(rows[0, 0], as_rows(expected), rtol=1e-6, atol=1e-7)


def test_equal_boxes_are_dropped_at_a_threshold_of_one():
    x = np.zeros((1, 27, 1, 1))
    x[0, [4, 13, 22]] = 5
    x[0, 5] = 3
    text = LAYER.replace(biases(), biases([(1, 1)] * 3))
    (rows,) = make_layer(text % "nms_threshold: 1", [x]).forward()
    assert rows.shape == (1, 1, 1, 7)


def test_without_detections_and_with_nan():
    (rows,) = make_layer(LAYER % "confidence_threshold: 1.5", [predictions()]).forward()
    np.testing.assert_array_equal(rows[0, 0], [[0, *[-1] * 6], [1, *[-1] * 6]])
    (rows,) = make_layer(LAYER % "", [np.full((1, 27, 2, 2), np.nan)]).forward()
    assert rows.shape == (1, 1, 1, 7)


def test_errors():
    fails(LAYER.replace(f"num_classes: {CLASSES}", "") % "", [predictions()], "needs num_classes")
    fails(LAYER % "", [predictions(boxes=2)], "(N, 27, H, W)", "(2, 18, 3, 5)")
    fails(LAYER.replace("num_box: 3", "num_box: 5") % "", [predictions()], "at least 5 anchors")
