import numpy as np
import pytest

from caffe_lite.layers import dropout
from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import normal

X = normal(40, 50)
LAYER = 'type: "Dropout" dropout_param { dropout_ratio: 0.3 %s }'

CASES = [
    Case(
        "Dropout",
        "dropout_param { dropout_ratio: 0.4 sample_weights_test: true }",
        (spread(3, 4, 5),),
        phase="TEST",
        gradient=False,
        random=True,
    ),
]
SAMPLES = {"Dropout": (X,)}


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_units_are_dropped_in_both_phases(phase):
    run = make_layer(LAYER % "sample_weights_test: true", [X], phase=phase)
    (y,) = run.forward()
    assert 0.66 < (y != 0).mean() < 0.74
    np.testing.assert_allclose(y[y != 0], X[y != 0] / 0.7, rtol=1e-6)
    (dx,), _ = run.backward([np.ones_like(X)])
    np.testing.assert_allclose(dx * X, y, rtol=1e-6)
    assert (run.forward()[0] != y).any()


def test_false_means_what_it_means_to_caffe():
    run = make_layer(LAYER % "sample_weights_test: false", [X], phase="TEST")
    np.testing.assert_array_equal(run.forward()[0], X)
    assert type(make_layer(LAYER % "", [X]).layer) is dropout.Dropout
