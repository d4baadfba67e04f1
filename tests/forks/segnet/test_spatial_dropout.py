import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(20, 30, 3, 2)
LAYER = 'type: "SpatialDropout" spatial_dropout_param { %s }'

CASES = [
    Case(
        "SpatialDropout",
        "spatial_dropout_param { dropout_ratio: 0.4 }",
        (spread(3, 4, 2, 5),),
        gradient=False,
        random=True,
    ),
    Case("SpatialDropout", "", (spread(3, 4, 2, 5),), phase="TEST"),
]
SAMPLES = {"SpatialDropout": (normal(2, 3, 4, 5),)}


@pytest.mark.parametrize(
    "param, phase", [("dropout_ratio: 0.4", "TRAIN"), ("dropout_ratio: 0.4 %s", "TEST")]
)
def test_whole_channels_are_dropped(param, phase):
    if "%" in param:
        param %= "sample_weights_test: true"
    run = make_layer(LAYER % param, [X], phase=phase)
    (y,) = run.forward()
    factor = y / X
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :, :1, :1], X.shape))
    kept = factor[:, :, 0, 0] != 0
    assert 0.52 < kept.mean() < 0.68
    np.testing.assert_allclose(factor[kept], 1 / 0.6, rtol=1e-6)
    assert not (kept == kept[0]).all()
    (dx,), _ = run.backward([np.full_like(X, 2)])
    np.testing.assert_allclose(dx, 2 * factor, rtol=1e-6)
    assert (run.forward()[0] != y).any()


def test_nothing_is_dropped_in_the_test_phase():
    (y,) = make_layer(LAYER % "", [X], phase="TEST").forward()
    np.testing.assert_array_equal(y, X)
    check_layer(LAYER % "", [X[:2, :3]], phase="TEST")


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X]), [X])


def test_errors():
    fails(LAYER % "dropout_ratio: 1", [X], "below 1", "got 1")
    fails(LAYER % "", [np.ones(3)], "at least 2 axes")
