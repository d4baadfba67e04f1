import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.segnet.masks import mask, placed
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 3, 4, 5)
MASK = mask(X.shape, 2, (8, 10))
LAYER = 'type: "Upsample" upsample_param { %s }'
BATCH = spread(3, 2, 4, 3)

INDICES = "places are checked, and written through arrays of indices"

CASES = [
    Case("Upsample", "", (BATCH, mask(BATCH.shape, 2, (8, 6))), allocates=INDICES),
    Case(
        "Upsample",
        "upsample_param { upsample_h: 9 upsample_w: 7 }",
        (BATCH, mask(BATCH.shape, 2, (9, 7))),
        allocates=INDICES,
    ),
    Case("Upsample", "upsample_param { scale: 3 }", (BATCH,)),
]
SAMPLES = {"Upsample": (X, MASK)}


@pytest.mark.parametrize(
    "param, stride, size",
    [
        ("", 2, (8, 10)),
        ("scale: 2", 2, (8, 10)),
        ("scale: 3", 3, (12, 15)),
        ("scale_h: 3 scale_w: 2", 2, (12, 10)),
        ("scale: 2 pad_out_h: true", 2, (7, 10)),
        ("scale: 2 pad_out_w: true", 2, (8, 9)),
        ("upsample_h: 11 upsample_w: 9", 2, (11, 9)),
    ],
)
def test_pixels_go_where_the_mask_says(param, stride, size):
    places = mask(X.shape, stride, size)
    (y,) = make_layer(LAYER % param, [X, places]).forward()
    np.testing.assert_array_equal(y, placed(X, places, size))
    check_layer(LAYER % param, [X, places], propagate_down=[True, False])
    check_layer(LAYER % param, [X[:1], places[:1]], propagate_down=[True, False])


@pytest.mark.parametrize(
    "param, down, right",
    [("", 1, 1), ("scale: 2", 2, 2), ("scale: 3", 3, 3), ("scale_h: 2 scale_w: 3", 2, 3)],
)
def test_without_a_mask_pixels_are_repeated(param, down, right):
    (y,) = make_layer(LAYER % param, [X]).forward()
    assert y.shape == (2, 3, 4 * down, 5 * right)
    for n, c, h, w in np.ndindex(y.shape):
        assert y[n, c, h, w] == X[n, c, h // down, w // right]
    check_layer(LAYER % param, [X])
    check_layer(LAYER % param, [X[:1]])


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X, MASK]), [normal(2, 3, 8, 10)])


@pytest.mark.parametrize(
    "param, bottoms, part",
    [
        ("scale: 2", [X, MASK + 8 * 10], "0 to 79"),
        ("scale: 2", [X, MASK - 80], "bottom of the top's size"),
        ("scale: 2", [X, MASK[:, :, :3]], "bottom[0]'s shape"),
        ("scale: 1", [X, MASK], "at least 2"),
        ("scale: 0", [X], "at least 1"),
        ("scale: 2 scale_h: 2 scale_w: 2", [X, MASK], "not both"),
        ("scale_h: 2", [X, MASK], "together"),
        ("scale: 3 pad_out_h: true", [X, MASK], "needs a scale of 2"),
        ("upsample_h: 8 upsample_w: 9", [X], "mask of a pooling layer"),
        ("scale: 2", [X[0], MASK[0]], "4 axes"),
    ],
)
def test_errors(param, bottoms, part):
    fails(LAYER % param, bottoms, part)
