import numpy as np

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import normal

X = normal(2, 16, 3, 4)
SIZES = "num_classes: 3 num_box: 2 confidence_threshold: 0.2 nms_threshold: 0.4 "
SIZES += "biases: 1.08 biases: 1.19 biases: 3.42 biases: 4.41"

CASES = [
    Case(
        "DetectionOutput",
        f"detection_output_param {{ {SIZES} }}",
        (X,),
        gradient=False,
        allocates="the boxes of all cells, on the host",
    )
]
SAMPLES = {"GridDetectionOutput": (X,)}


def test_rows_hold_centres_and_classes_from_0():
    text = 'type: "%s" %s_param { ' + SIZES + " }"
    (mine,) = make_layer(text % ("DetectionOutput", "detection_output"), [X]).forward()
    (other,) = make_layer(text % ("YoloDetectionOutput", "yolo_detection_output"), [X]).forward()
    assert other.shape[2] > 3
    np.testing.assert_array_equal(mine[..., 0], other[..., 0])
    np.testing.assert_array_equal(mine[..., 1], other[..., 1] - 1)
    np.testing.assert_array_equal(mine[..., 2], other[..., 2])
    low, high = other[..., 3:5], other[..., 5:7]
    np.testing.assert_allclose(mine[..., 3:5], (low + high) / 2, rtol=1e-9)
    np.testing.assert_allclose(mine[..., 5:7], high - low, rtol=1e-9)


def test_nothing_found():
    text = f'type: "DetectionOutput" detection_output_param {{ {SIZES} }}'
    text = text.replace("0.2", "1.5")
    (rows,) = make_layer(text, [X]).forward()
    np.testing.assert_array_equal(rows[0, 0], [[i, -1, -1, -1, -1, -1, -1] for i in (0, 1)])
