import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, params, untouched

X = normal(3, 4, 2, 5) * 2 + 1
FILLED = 'filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "uniform" min: -1 }'
LAYER = f'type: "BatchNorm" batch_norm_param {{ {FILLED} eps: 0.1 %s }}'

CASES = [
    Case("BatchNorm", f"batch_norm_param {{ {FILLED} }}", (spread(4, 3, 2, 5),)),
    Case("BatchNorm", "batch_norm_param { relu: true }", (spread(4, 3, 2, 5),)),
    Case("BatchNorm", "batch_norm_param { use_weight_bias: false }", (spread(4, 3, 2, 5),)),
]
SAMPLES = {"BatchNorm": (X,)}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    "used", ["use_weight_bias: true", "use_weight_bias: false", "bias_term: false"]
)
def test_a_batch_of_the_train_phase(relu, used):
    prototxt = LAYER % f"{used} relu: {str(relu).lower()} moving_average_fraction: 0.7"
    run = make_layer(prototxt, [X])
    for blob, value in zip(run.layer.blobs, (2.0, 3.0, 4.0), strict=False):
        blob.data[...] = value
    scale, bias, *_ = [*params(run)[3:], 1, 0] if "use" in used else [*params(run)[3:], 0]
    mean, var = moments(X)
    expected = normalized(X, mean, var, 0.1, scale, bias)
    (y,) = run.forward()
    np.testing.assert_allclose(
        y, np.maximum(expected, 0) if relu else expected, rtol=1e-6, atol=1e-7
    )
    count = X[:, 0].size
    sums = (1.4 + mean, 2.1 + var * count / (count - 1), 3.8)
    for blob, values in zip(run.layer.blobs, sums, strict=False):
        np.testing.assert_allclose(
            blob.data, np.broadcast_to(values, blob.shape), rtol=1e-6, atol=1e-7
        )
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


@pytest.mark.parametrize("param, phase", [("", "TEST"), ("use_global_stats: true", "TRAIN")])
def test_averages_are_used(param, phase):
    run = make_layer(LAYER % param, [X], phase=phase)
    mean, var = normal(4), abs(normal(4)) + 0.2
    for blob, values in zip(run.layer.blobs, (mean, var, 2), strict=False):
        blob.data[...] = values
    *_, scale, bias = params(run)
    expected = normalized(X, mean / 2, var / 2, 0.1, scale, bias)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-6, atol=1e-7)
    check_layer(LAYER % param, [X], phase=phase)


def test_the_relu_in_place():
    apart, within = (
        make_layer(LAYER % "relu: true", [X], in_place=in_place) for in_place in (False, True)
    )
    dy = normal(*X.shape)
    np.testing.assert_array_equal(apart.forward()[0], within.forward()[0])
    for mine, expected in zip(within.backward([dy]), apart.backward([dy]), strict=True):
        for a, b in zip(mine, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X]), [X])


def test_errors():
    fails(LAYER % "stats_batch_size: 2", [X], "stats_batch_size must be 0, got 2")
