import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X, A = normal(2, 3, 4, 5), normal(2, 1, 4, 5)
LAYER = 'type: "ChannelScale" channel_scale_param { %s }'

CASES = [
    Case("ChannelScale", "", (spread(3, 2, 4, 5), spread(3, 1, 4, 5))),
    Case("ChannelScale", "", (spread(3, 4), spread(3, 1))),
]
SAMPLES = {"ChannelScale": (X, A)}


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 4, 5)])
def test_values_and_gradients(shape):
    bottoms = [X, A.reshape(shape)]
    (y,) = make_layer(LAYER % "", bottoms).forward()
    for n, c, h, w in np.ndindex(X.shape):
        assert y[n, c, h, w] == pytest.approx(X[n, c, h, w] * A[n, 0, h, w])
    check_layer(LAYER % "", bottoms)
    check_layer(LAYER % "", [x[:1] for x in bottoms])


def test_parts_that_are_left_out():
    dy = normal(*X.shape)
    run = make_layer(LAYER % "do_forward: false", [X, A])
    np.testing.assert_array_equal(run.forward()[0], X)
    (dx, da), _ = run.backward([dy])
    np.testing.assert_allclose(dx, dy * A)
    np.testing.assert_allclose(da, (dy * X).sum(axis=1, keepdims=True))
    run = make_layer(LAYER % "do_backward_feature: false do_backward_scale: false", [X, A])
    np.testing.assert_allclose(run.forward()[0], X * A)
    (dx, da), _ = run.backward([dy])
    np.testing.assert_array_equal(dx, dy)
    assert (da == 0).all()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X, A]), [X])


@pytest.mark.parametrize(
    "param, bottoms, part",
    [
        ("global_scale: true", (X, A), "global_scale is not supported"),
        ("", (X, A[:, :, :3]), "one number for each item and place"),
        ("", (X, A.reshape(1, 2, 4, 5)), "as many items"),
    ],
)
def test_errors(param, bottoms, part):
    fails(LAYER % param, bottoms, part)
