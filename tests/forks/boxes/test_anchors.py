import numpy as np

from caffe_lite.forks.boxes.anchors import base_anchors, over_grid


def test_default_anchors_are_those_of_faster_rcnn():
    expected = [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
    ]
    np.testing.assert_array_equal(base_anchors(np), expected)


def test_a_grid_shifts_them_row_by_row():
    anchors = np.array([[0, 1, 2.0, 3], [4, 5, 6, 7]])
    shifted = over_grid(np, anchors, height=2, width=3, stride=10)
    expected = [
        anchors[a] + np.array([10 * x, 10 * y, 10 * x, 10 * y])
        for y in range(2)
        for x in range(3)
        for a in range(2)
    ]
    np.testing.assert_array_equal(shifted, expected)
