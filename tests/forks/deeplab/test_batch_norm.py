import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.norms.formula import moments, normalized
from tests.layer_case import Case, spread
from tests.layers.helpers import normal

X = normal(3, 4, 2, 5) * 2 + 1
LAYER = (
    'type: "BatchNorm" batch_norm_param { eps: 0.1 moving_average_fraction: 0.7 '
    "use_global_stats: true update_global_stats: %s }"
)

CASES = [
    Case(
        "BatchNorm",
        "batch_norm_param { use_global_stats: true update_global_stats: true }",
        (spread(4, 3, 2, 5),),
        phase="TEST",  # else forward changes the averages that it uses
    ),
]
SAMPLES = {"BatchNorm": (X,)}


@pytest.mark.parametrize("updates", [False, True])
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("in_place", [False, True])
def test_averages_learn_while_they_are_used(updates, phase, in_place):
    prototxt = LAYER % str(updates).lower()
    run = make_layer(prototxt, [X], phase=phase, in_place=in_place)
    mean, var = normal(4), abs(normal(4)) + 0.2
    sums = [mean, var, np.array([2.0])]
    for blob, values in zip(run.layer.blobs, sums, strict=True):
        blob.data[...] = values
    expected = normalized(X, mean / 2, var / 2, 0.1)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-6, atol=1e-7)
    if updates and phase == "TRAIN":
        count = X[:, 0].size
        batch = moments(X)
        news = (batch[0], batch[1] * count / (count - 1), 1)
        sums = [0.7 * old + new for old, new in zip(sums, news, strict=True)]
    for blob, values in zip(run.layer.blobs, sums, strict=True):
        np.testing.assert_allclose(blob.data, values, rtol=1e-6, atol=1e-7)


def test_gradient():
    check_layer(LAYER % "true", [X], phase="TEST")
    run = make_layer(LAYER % "true", [X])
    for blob, value in zip(run.layer.blobs, (1.0, 2.0, 1.0), strict=True):
        blob.data[...] = value
    run.forward()
    (dx,), _ = run.backward([X])
    np.testing.assert_allclose(dx, X / np.sqrt(2.1), rtol=1e-6, atol=1e-7)
