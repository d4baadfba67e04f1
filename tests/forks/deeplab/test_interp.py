import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 3, 7, 6)
LAYER = 'type: "Interp" interp_param { %s }'

CASES = [
    Case("Interp", "interp_param { zoom_factor: 2 }", (spread(3, 2, 3, 4),)),
    Case("Interp", "interp_param { height: 3 width: 9 pad_beg: -1 }", (spread(3, 2, 5, 4),)),
]
SAMPLES = {"Interp": (X,)}


def by_loop(x, size):
    height, width = x.shape[2:]
    y = np.empty((*x.shape[:2], *size))
    for i, j in np.ndindex(size):
        row = i * (height - 1) / (size[0] - 1) if size[0] > 1 else 0
        column = j * (width - 1) / (size[1] - 1) if size[1] > 1 else 0
        # The tent function of either axis.
        down = np.maximum(1 - abs(np.arange(height) - row), 0)
        right = np.maximum(1 - abs(np.arange(width) - column), 0)
        y[:, :, i, j] = np.einsum("nchw,h,w->nc", x, down, right)
    return y


@pytest.mark.parametrize(
    "param, size",
    [
        ("zoom_factor: 2", (13, 11)),
        ("zoom_factor: 3", (19, 16)),
        ("shrink_factor: 2", (4, 3)),
        ("shrink_factor: 3", (3, 2)),
        ("height: 4 width: 9", (4, 9)),
        ("height: 1 width: 1", (1, 1)),
        ("height: 7 width: 6", (7, 6)),
        ("shrink_factor: 2 zoom_factor: 3", (10, 7)),
        ("height: 5 width: 8 shrink_factor: 2 zoom_factor: 3", (5, 8)),
        ("height: 5 width: 8 zoom_factor: 3", (19, 16)),
    ],
)
def test_values_and_gradients(param, size):
    (y,) = make_layer(LAYER % param, [X]).forward()
    np.testing.assert_allclose(y, by_loop(X, size), rtol=1e-6, atol=1e-9)
    check_layer(LAYER % param, [X])
    check_layer(LAYER % param, [X[:1]])


def test_pads_cut_off_pixels():
    (y,) = make_layer(LAYER % "zoom_factor: 2 pad_beg: -2 pad_end: -1", [X]).forward()
    np.testing.assert_allclose(y, by_loop(X[:, :, 2:-1, 2:-1], (7, 5)), rtol=1e-6, atol=1e-9)
    check_layer(LAYER % "height: 5 width: 2 pad_beg: -1 pad_end: -2", [X])


def test_a_side_of_one_pixel():
    x = normal(2, 3, 1, 4)
    (y,) = make_layer(LAYER % "height: 3 width: 4", [x]).forward()
    np.testing.assert_allclose(y, np.repeat(x, 3, axis=2))
    check_layer(LAYER % "height: 3 width: 4", [x])


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "zoom_factor: 2", [X]), [normal(2, 3, 13, 11)])


@pytest.mark.parametrize(
    "param, part",
    [
        ("", "give shrink_factor, zoom_factor"),
        ("height: 4", "both height and width"),
        ("zoom_factor: 0", "zoom_factor must be at least 1"),
        ("shrink_factor: -2", "shrink_factor must be at least 1"),
        ("zoom_factor: 2 pad_beg: 1", "pad_beg must be 0 or negative"),
        ("zoom_factor: 2 pad_beg: -3 pad_end: -3", "cut off all"),
        ("height: 0 width: 4", "at least 1"),
    ],
)
def test_errors(param, part):
    fails(LAYER % param, [X], part)


def test_the_bottom_must_be_an_image():
    fails(LAYER % "zoom_factor: 2", [X[0]], "4 axes")
