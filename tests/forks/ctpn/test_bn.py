import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, params

X = normal(3, 4, 2, 5) * 2 + 1
FILLED = 'scale_filler { type: "uniform" min: 0.5 max: 2 } shift_filler { type: "uniform" min: -1 }'
LAYER = f'type: "BN" bn_param {{ {FILLED} var_eps: 0.1 %s }}'

CASES = [
    Case("BN", f"bn_param {{ {FILLED} decay: 0.1 }}", (spread(4, 3, 2, 5),)),
    Case("BN", f"bn_param {{ {FILLED} axis: 2 var_eps: 0.2 }}", (spread(4, 3, 2, 5),)),
]
SAMPLES = {"BN": (X,)}


def set_averages(run):
    count = run.layer.blobs[2].count
    mean, var = normal(count), abs(normal(count)) + 0.2
    for blob, values in zip(run.layer.blobs[2:], (mean, var), strict=True):
        blob.data.reshape(-1)[...] = values
    return mean, var


@pytest.mark.parametrize("axis", [1, 2])
def test_a_batch_of_the_train_phase(axis):
    prototxt = LAYER % f"decay: 0.3 axis: {axis}"
    run = make_layer(prototxt, [X])
    scale, shift, *_ = params(run)
    assert scale.shape == [(1, 4, 1, 1), (1, 1, 2, 1)][axis - 1]
    old, new = set_averages(run), moments(X, axis)
    (y,) = run.forward()
    expected = normalized(X, *new, 0.1, scale, shift, axis)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)
    for blob, before, now in zip(run.layer.blobs[2:], old, new, strict=True):
        np.testing.assert_allclose(
            blob.data.ravel(), 0.7 * before + 0.3 * now, rtol=1e-6, atol=1e-7
        )
    check_layer(prototxt, [X])


@pytest.mark.parametrize("moving", [False, True])
def test_the_test_phase(moving):
    prototxt = LAYER % f"moving_average: {str(moving).lower()}"
    run = make_layer(prototxt, [X], phase="TEST")
    scale, shift, *_ = params(run)
    averages = set_averages(run)
    (y,) = run.forward()
    used = averages if moving else moments(X)
    np.testing.assert_allclose(y, normalized(X, *used, 0.1, scale, shift), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(run.layer.blobs[2].data.ravel(), averages[0])
    check_layer(prototxt, [X], phase="TEST")


def test_averages_are_not_learned():
    run = make_layer(LAYER % "", [X])
    assert [spec.lr_mult for spec in run.layer.param.param] == [1, 1, 0, 0]


def test_errors():
    fails(LAYER % "axis: 3", [X], "axis must be 1 or 2, got 3")
    fails(LAYER % "bn_mode: LEARN", [X], "another fork's BN")
    fails(LAYER % "axis: 2", [np.ones((3, 4))], "at least 3 axes")
