import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.forks.yolo.given import ANCHORS, CLASSES, biases, predictions
from tests.forks.yolo.test_yolo_detection_output import as_rows
from tests.forks.yolo.yolo_by_loop import iou, predicted, sigmoid
from tests.layer_case import Case
from tests.layers.helpers import fails

MASK, CELLS = [[1, 2], [0, 1]], [32, 16]
PARAM = f"""num_classes: {CLASSES} num_box: 2 mask_group_num: 2 anchors_scale: 32 anchors_scale: 16
    mask: 1 mask: 2 mask: 0 mask: 1 {biases(ANCHORS, 16)}"""
LAYER = f'type: "Yolov3DetectionOutput" yolov3_detection_output_param {{ {PARAM} %s }}'
MAPS = [2 * predictions(boxes=2), 2 * predictions(height=6, width=10, boxes=2, seed=1)]

CASES = [
    Case(
        "Yolov3DetectionOutput",
        f"yolov3_detection_output_param {{ {PARAM} }}",
        tuple(MAPS),
        gradient=False,
        allocates="the number of detections differs from batch to batch",
    )
]
SAMPLES = {"Yolov3DetectionOutput": (np.full((1, 16, 3, 4), 0.1), np.full((1, 16, 6, 8), 0.1))}


def by_loop(maps, threshold, overlap, gaussian=False):
    found = []
    for x, mask, cell in zip(maps, MASK, CELLS, strict=True):
        height, width = x.shape[1:]
        x = x.reshape(2, -1, height, width)
        for a, i, j in np.ndindex(2, height, width):
            raw = list(x[a, :, i, j])
            certain = 1
            if gaussian:
                certain = 1 - np.mean([sigmoid(value) for value in raw[1:8:2]])
                raw = raw[0:8:2] + raw[8:]
            anchor = [side * 16 / cell for side in ANCHORS[mask[a]]]
            box = predicted(raw, i, j, anchor, height, width)
            for label in range(CLASSES):
                score = sigmoid(raw[4]) * certain * sigmoid(raw[5 + label])
                if score > threshold:
                    found.append((label + 1, score, box))
    found.sort(key=lambda each: -each[1])
    kept = []
    for each in found:
        if all(iou(each[2], other[2]) < overlap for other in kept):
            kept.append(each)
    return kept


@pytest.mark.parametrize("threshold, overlap", [(0.1, 0.45), (0.5, 0.1), (0.3, 0.8)])
@pytest.mark.parametrize("gaussian", [False, True])
def test_detections(threshold, overlap, gaussian):
    maps = MAPS
    if gaussian:
        maps = [
            2 * predictions(boxes=2, numbers=9),
            2 * predictions(height=6, width=10, boxes=2, seed=1, numbers=9),
        ]
    text = f"confidence_threshold: {threshold} nms_threshold: {overlap} "
    (rows,) = make_layer(LAYER % f"{text} gaussian_box: {str(gaussian).lower()}", maps).forward()
    expected = [by_loop([x[i] for x in maps], threshold, overlap, gaussian) for i in range(2)]
    np.testing.assert_allclose(rows[0, 0], as_rows(expected), rtol=1e-6, atol=1e-7)


def test_without_detections():
    (rows,) = make_layer(LAYER % "confidence_threshold: 1.5", MAPS).forward()
    np.testing.assert_array_equal(rows[0, 0], [[0, *[-1] * 6], [1, *[-1] * 6]])


def test_errors():
    fails(LAYER.replace(f"num_classes: {CLASSES}", "") % "", MAPS, "needs num_classes")
    fails(LAYER % "", MAPS[:1], "mask_group_num", "bottoms, 1, got 2 and 2")
    fails(LAYER % "mask: 2", MAPS, "mask must name 2 of 3 anchors", "[1, 2, 0, 1, 2]")
    fails(LAYER.replace("mask: 2", "mask: 3") % "", MAPS, "of 3 anchors, from 0")
    fails(LAYER % "gaussian_box: true", MAPS, "of 9 numbers", "(N, 26, H, W)")
