import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 3, 4, 5)
LAYER = 'type: "Permute" permute_param { %s }'

CASES = [
    Case("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }", (spread(3, 2, 5, 4),)),
    Case("Permute", "permute_param { order: 0 }", (spread(4, 3),)),
]
SAMPLES = {"Permute": (X,)}


@pytest.mark.parametrize(
    "order, axes",
    [
        ("order: 0 order: 2 order: 3 order: 1", (0, 2, 3, 1)),
        ("order: 3 order: 1", (3, 1, 0, 2)),
        ("order: 2 order: 0 order: 1 order: 3", (2, 0, 1, 3)),
        ("order: 1", (1, 0, 2, 3)),
        ("", (0, 1, 2, 3)),
        ("order: 0 order: 1", (0, 1, 2, 3)),
    ],
)
def test_axes(order, axes):
    run = make_layer(LAYER % order, [X])
    (y,) = run.forward()
    expected = np.empty([X.shape[axis] for axis in axes])
    for index in np.ndindex(X.shape):
        expected[tuple(index[axis] for axis in axes)] = X[index]
    np.testing.assert_array_equal(y, expected)
    check_layer(LAYER % order, [X])
    check_layer(LAYER % order, [X[:1]])


def test_an_order_that_moves_nothing_shares_the_memory():
    run = make_layer(LAYER % "order: 0", [X])
    assert run.top[0].buffer_ids == run.bottom[0].buffer_ids


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "order: 1", [X]), [normal(3, 2, 4, 5)])


def test_errors():
    fails(LAYER % "order: 4", [X], "order must name axes of the bottom, 0 to 3", "got [4]")
    fails(LAYER % "order: 1 order: 1", [X], "each at most once, got [1, 1]")
