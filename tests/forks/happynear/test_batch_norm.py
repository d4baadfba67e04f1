import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import normal, untouched

X = normal(3, 4, 2, 5) * 2 + 1
LAYER = 'type: "BatchNorm" batch_norm_param { eps: 0.1 moving_average_fraction: 0.7 %s }'
PARTS = [
    "disable_mean: true",
    "disable_variance: true",
    "disable_mean: true disable_variance: true",
    "disable_mean: false",
]

CASES = [
    Case("BatchNorm", f"batch_norm_param {{ {param} }}", (spread(4, 3, 2, 5),))
    for param in PARTS[:2]
]
SAMPLES = {"BatchNorm": (X,)}


def batch(param):
    channels = X.transpose(1, 0, 2, 3).reshape(4, -1)
    mean = 0 * channels[:, 0] if "mean: true" in param else channels.mean(axis=1)
    var = ((channels - mean[:, None]) ** 2).mean(axis=1)
    return mean, 0 * var if "variance: true" in param else var


@pytest.mark.parametrize("param", PARTS)
def test_a_batch_of_the_train_phase(param):
    run = make_layer(LAYER % param, [X])
    mean, var = batch(param)
    expected = normalized(X, mean, var if var.any() else var + 1, 0.1 if var.any() else 0)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-6, atol=1e-9)
    count = X[:, 0].size
    for blob, values in zip(run.layer.blobs, (mean, var * count / (count - 1), 1), strict=True):
        np.testing.assert_allclose(
            blob.data, np.broadcast_to(values, blob.shape), rtol=1e-6, atol=1e-7
        )
    check_layer(LAYER % param, [X])
    check_layer(LAYER % param, [X[:1]])


@pytest.mark.parametrize("param", PARTS)
def test_averages_are_used(param):
    run = make_layer(LAYER % param, [X], phase="TEST")
    mean, var = normal(4), abs(normal(4)) + 0.2
    for blob, values in zip(run.layer.blobs, (mean, var, 2), strict=True):
        blob.data[...] = values
    used = [mean / 2, var / 2 + 0.1]
    if "mean: true" in param:
        used[0] = 0 * mean
    if "variance: true" in param:
        used[1] = 0 * var + 1
    np.testing.assert_allclose(run.forward()[0], normalized(X, *used, 0), rtol=1e-6, atol=1e-7)
    check_layer(LAYER % param, [X], phase="TEST")


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % PARTS[0], [X]), [X])
