import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 4, 5)
TRANSPOSE = 'type: "Transpose" transpose_param { %s }'
REVERSE = 'type: "Reverse" reverse_param { axis: %d }'

CASES = [
    Case("Transpose", "transpose_param { dim: 0 dim: 2 dim: 1 }", (spread(3, 2, 4),)),
    Case("Reverse", "reverse_param { axis: 1 }", (spread(3, 2, 4),)),
]
SAMPLES = {"Transpose": (X,), "Reverse": (X,)}


def test_transpose():
    text = TRANSPOSE % "dim: 3 dim: 2 dim: 0 dim: 1"
    (y,) = make_layer(text, [X]).forward()
    for index in np.ndindex(X.shape):
        assert y[index[3], index[2], index[0], index[1]] == X[index]
    check_layer(text, [X])
    check_layer(text, [X[:1]])


def test_reverse():
    for axis in range(4):
        (y,) = make_layer(REVERSE % axis, [X]).forward()
        np.testing.assert_array_equal(y, np.flip(X, axis))
        check_layer(REVERSE % axis, [X])


def test_errors():
    fails(TRANSPOSE % "dim: 0 dim: 1", [X], "must name each axis", "got [0, 1]")
    fails(TRANSPOSE % "dim: 0 dim: 1 dim: 1 dim: 2", [X], "once")
    fails(REVERSE % 4, [X], "axis must be from 0 to 3, got 4")
    fails(REVERSE % -1, [X], "got -1")
