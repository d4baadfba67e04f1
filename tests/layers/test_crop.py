import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

X = normal(2, 3, 6, 5)


@pytest.mark.parametrize(
    "param, reference, window",
    [
        ("", (9, 9, 4, 2), np.s_[:, :, 0:4, 0:2]),
        ("offset: 1", (9, 9, 4, 2), np.s_[:, :, 1:5, 1:3]),
        ("offset: 2 offset: 3", (9, 9, 4, 2), np.s_[:, :, 2:6, 3:5]),
        ("axis: 1 offset: 1 offset: 2 offset: 0", (9, 2, 3, 5), np.s_[:, 1:3, 2:5, 0:5]),
        ("axis: -1 offset: 3", (9, 9, 9, 2), np.s_[:, :, :, 3:5]),
        ("axis: 0", (1, 1, 1, 1), np.s_[0:1, 0:1, 0:1, 0:1]),
        ("axis: 0", (2, 3, 6, 5), np.s_[:]),
    ],
)
def test_window(param, reference, window):
    text = f'type: "Crop" crop_param {{ {param} }}'
    (y,) = make_layer(text, [X, np.zeros(reference)]).forward()
    np.testing.assert_array_equal(y, X[window])
    check_layer(text, [X, np.zeros(reference)])


def test_batch_of_one():
    check_layer('type: "Crop" crop_param { offset: 1 }', [X[:1], normal(1, 3, 2, 3)])


def test_errors():
    fails(
        'type: "Crop" crop_param { offset: 3 }',
        [X, normal(2, 3, 4, 2)],
        "leaves bottom[0] on axis 2",
        "need 7, there are 6",
    )
    fails(
        'type: "Crop" crop_param { offset: 1 offset: 1 offset: 1 }',
        [X, normal(2, 3, 4, 2)],
        "once for each of the 2 axes",
        "got 3",
    )
    fails('type: "Crop"', [X, normal(2, 3, 4)], "same number of axes")
    fails('type: "Crop" crop_param { axis: 4 }', [X, X], "axis must be in [-4, 3]")
