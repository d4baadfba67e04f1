import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.affine import LEARNED, SECOND_BOTTOM, X
from tests.layers.helpers import fails, normal


def expected(x, a, b, axis):
    y = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        part = index[axis : axis + a.ndim]
        y[index] = x[index] * a[part] + b[part]
    return y


@LEARNED
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
def test_learned(param, axis, shape, with_bias, in_place):
    filler = 'filler { type: "gaussian" }'
    if with_bias:
        filler += ' bias_term: true bias_filler { type: "gaussian" }'
    text = f'type: "Scale" scale_param {{ {param} {filler} }}'
    run = make_layer(text, [X], in_place=in_place)
    learned = [blob.data.copy() for blob in run.layer.blobs]
    assert [values.shape for values in learned] == [shape] * (1 + with_bias)
    bias = learned[1] if with_bias else np.zeros(shape)
    np.testing.assert_allclose(run.forward()[0], expected(X, learned[0], bias, axis))
    check_layer(text, [X], in_place=in_place)


@SECOND_BOTTOM
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
def test_from_a_second_bottom(param, axis, shape, with_bias, in_place):
    extra = 'bias_term: true bias_filler { type: "gaussian" }' if with_bias else ""
    text, scale = f'type: "Scale" scale_param {{ {param} {extra} }}', normal(*shape)
    run = make_layer(text, [X, scale], in_place=in_place)
    assert [blob.shape for blob in run.layer.blobs] == [shape] * with_bias
    bias = run.layer.blobs[0].data.copy() if with_bias else np.zeros(shape)
    np.testing.assert_allclose(run.forward()[0], expected(X, scale, bias, axis))
    check_layer(text, [X, scale], in_place=in_place)


@pytest.mark.parametrize("in_place", [False, True])
def test_batch_of_one(in_place):
    text = 'type: "Scale" scale_param { filler { type: "gaussian" } bias_term: true }'
    check_layer(text, [X[:1]], in_place=in_place)
    check_layer(text, [X[:1], normal(3)], in_place=in_place)


def test_only_some_gradients():
    # The products for the scale go into the bottom's diff when it is free, and nowhere else.
    x, scale = normal(2, 3), normal(3)
    dy = normal(2, 3)
    for flags in ([True, True], [False, True], [True, False], [False, False]):
        run = make_layer('type: "Scale"', [x, scale])
        run.forward()
        for blob in run.bottom:
            blob.diff[...] = 7
        (dx, dscale), _ = run.backward([dy], flags)
        np.testing.assert_allclose(dx, dy * scale if flags[0] else 7)
        np.testing.assert_allclose(dscale, (dy * x).sum(axis=0) if flags[1] else 7)


def test_starts_at_1_without_a_filler():
    text = 'type: "Scale" scale_param { bias_term: true }'
    np.testing.assert_array_equal(make_layer(text, [X]).forward()[0], X)


def test_errors():
    fails('type: "Scale" scale_param { axis: 3 num_axes: 2 }', [X], "num_axes 2 from axis 3")
    fails('type: "Scale" scale_param { num_axes: -3 }', [X], "num_axes must be at least 0, or -1")
    fails('type: "Scale" scale_param { axis: -5 }', [X], "axis must be in [-4, 3]")
    fails('type: "Scale"', [X, normal(4)], "the scale of shape (4,) must match bottom[0]")
