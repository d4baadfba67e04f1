import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.affine import LEARNED, SECOND_BOTTOM, X
from tests.layers.helpers import fails, normal


def expected(x, b, axis):
    y = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        y[index] = x[index] + b[index[axis : axis + b.ndim]]
    return y


@LEARNED
@pytest.mark.parametrize("in_place", [False, True])
def test_learned(param, axis, shape, in_place):
    text = f'type: "Bias" bias_param {{ {param} filler {{ type: "gaussian" }} }}'
    run = make_layer(text, [X], in_place=in_place)
    bias = run.layer.blobs[0].data.copy()
    assert bias.shape == shape
    assert np.abs(bias).min() > 0
    np.testing.assert_allclose(run.forward()[0], expected(X, bias, axis))
    check_layer(text, [X], in_place=in_place)


@SECOND_BOTTOM
@pytest.mark.parametrize("in_place", [False, True])
def test_from_a_second_bottom(param, axis, shape, in_place):
    text, bias = f'type: "Bias" bias_param {{ {param} }}', normal(*shape)
    run = make_layer(text, [X, bias], in_place=in_place)
    np.testing.assert_allclose(run.forward()[0], expected(X, bias, axis))
    assert not run.layer.blobs
    check_layer(text, [X, bias], in_place=in_place)
    check_layer(text, [X[:1], bias] if axis else [X, bias], in_place=in_place)


def test_starts_at_0_without_a_filler():
    np.testing.assert_array_equal(make_layer('type: "Bias"', [X]).forward()[0], X)


def test_errors():
    fails(
        'type: "Bias" bias_param { axis: 3 num_axes: 2 }',
        [X],
        "num_axes 2 from axis 3",
        "at least 5 axes",
    )
    fails('type: "Bias" bias_param { num_axes: -2 }', [X], "num_axes must be at least 0, or -1")
    fails('type: "Bias" bias_param { axis: 4 }', [X], "axis must be in [-4, 3]")
    fails(
        'type: "Bias"', [X, normal(4)], "the bias of shape (4,) must match bottom[0]", "from axis 1"
    )
    fails('type: "Bias"', [X, normal(3, 4, 5, 6)], "must match")
