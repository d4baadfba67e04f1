import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

ONE, TWO = 'type: "Filter"', 'type: "Filter" top: "a" top: "b"'


@pytest.mark.parametrize("selector", [[1, 0, 1, -2, 0], [0, 0, 0, 0, 0.5], [1, 1, 1, 1, 1]])
def test_keeps_what_is_selected(selector):
    x, z = normal(5, 2, 3), normal(5)
    y, w = make_layer(TWO, [x, z, selector]).forward()
    kept = [i for i, s in enumerate(selector) if s]
    assert y.shape == (len(kept), 2, 3)
    for row, item in enumerate(kept):
        np.testing.assert_array_equal(y[row], x[item])
        assert w[row] == z[item]
    check_layer(TWO, [x, z, selector], propagate_down=[True, True, False])


def test_the_selector_may_have_more_axes():
    x = normal(3, 2)
    y = make_layer(ONE, [x, np.array([0.0, 1, 0]).reshape(3, 1, 1)]).forward()[0]
    np.testing.assert_array_equal(y, x[1:2])


def test_the_gradient_of_what_is_left_out_is_0():
    run = make_layer(ONE, [normal(3, 2), [1, 0, 1]])
    run.forward()
    (dx, dselector), _ = run.backward([[[1, 2], [3, 4]]], [True, True])
    assert dx.tolist() == [[1, 2], [0, 0], [3, 4]]
    assert dselector.tolist() == [0, 0, 0]


def test_nothing_selected():
    run = make_layer(ONE, [normal(3, 2), [0, 0, 0]])
    assert run.forward()[0].shape == (0, 2)
    run.bottom[0].diff[...] = 7
    (dx, _), _ = run.backward()
    assert (dx == 0).all()


def test_all_items_until_the_first_forward():
    run = make_layer(ONE, [normal(3, 2), [0, 1, 0]])
    assert run.top[0].shape == (3, 2)
    run.forward()
    assert run.top[0].shape == (1, 2)
    run.bottom[1].data[...] = 1
    run.forward()
    assert run.top[0].shape == (3, 2)


def test_errors():
    fails(ONE, [normal(3, 2), normal(3, 2)], "one value per item", "(3, 2)")
    fails(ONE, [normal(3, 2), normal(4)], "first dimension 4", "bottom[0] is (3, 2)")
    fails(TWO, [normal(3, 2), normal(3)], "2 bottoms and 2 tops")
    fails(ONE, [normal(3, 2), [0, 1, np.nan]], "must hold numbers", "that of item 2 is nan")
