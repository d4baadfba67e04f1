import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, params, untouched

X = normal(3, 4, 2, 5) * 2 + 1
FILLED = 'slope_filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 }'
LAYER = f'type: "BN" bn_param {{ {FILLED} eps: 0.1 %s }}'

CASES = [
    Case("BN", f"bn_param {{ {FILLED} }}", (spread(4, 3, 2, 5),)),
    Case("BN", f"bn_param {{ {FILLED} frozen: true }}", (spread(4, 3, 2, 5),)),
    Case("BN", f"bn_param {{ {FILLED} frozen: true }}", (spread(4, 3, 2, 5),), phase="TEST"),
]
SAMPLES = {"BN": (X,)}


def set_averages(run):
    mean, var = normal(4), abs(normal(4)) + 0.2
    for blob, values in zip(run.layer.blobs[2:], (mean, var), strict=True):
        blob.data.reshape(-1)[...] = values
    return mean, var


def test_a_batch_of_the_train_phase():
    run = make_layer(LAYER % "momentum: 0.7", [X])
    slope, bias, *_ = params(run)
    old = set_averages(run)
    y = run.forward()[0]
    np.testing.assert_allclose(
        y, normalized(X, *moments(X), 0.1, slope, bias), rtol=1e-6, atol=1e-7
    )
    for blob, before, now in zip(run.layer.blobs[2:], old, moments(X), strict=True):
        assert blob.shape == (1, 4, 1, 1)
        np.testing.assert_allclose(
            blob.data.ravel(), 0.7 * before + 0.3 * now, rtol=1e-6, atol=1e-7
        )
    check_layer(LAYER % "", [X])
    check_layer(LAYER % "", [X[:1]])


@pytest.mark.parametrize(
    "param, phase", [("", "TEST"), ("frozen: true", "TRAIN"), ("frozen: true", "TEST")]
)
def test_averages_are_used(param, phase):
    run = make_layer(LAYER % param, [X], phase=phase)
    slope, bias, mean, var = params(run)
    assert (mean == 0).all() and (var == (1 if param else 0)).all()
    mean, var = set_averages(run)
    (y,) = run.forward()
    np.testing.assert_allclose(y, normalized(X, mean, var, 0.1, slope, bias), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(run.layer.blobs[2].data.ravel(), mean)
    check_layer(LAYER % param, [X], phase=phase)


@pytest.mark.parametrize("frozen", [False, True])
def test_what_is_learned(frozen):
    run = make_layer(LAYER % ("frozen: true" if frozen else ""), [X])
    rates = [(spec.lr_mult, spec.decay_mult) for spec in run.layer.param.param]
    assert rates == [(0, 0) if frozen else (1, 1)] * 2 + [(0, 0)] * 2


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X]), [X])


def test_errors():
    fails(LAYER % "bn_mode: INFERENCE", [X], "bn_param.bn_mode is a field of another fork's BN")
