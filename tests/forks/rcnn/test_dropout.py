"""Dropout with scale_train."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

CASES = [
    Case(
        "Dropout",
        "dropout_param { dropout_ratio: 0.3 scale_train: false }",
        (spread(4, 3, 2),),
        random=True,
    ),
    Case(
        "Dropout",
        "dropout_param { dropout_ratio: 0.3 scale_train: false }",
        (spread(4, 3, 2),),
        phase="TEST",
    ),
]
SAMPLES = {"UnscaledDropout": (normal(3, 4),)}


def text(scale, ratio=0.3):
    return f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} scale_train: {scale} }}'


def test_training_keeps_values_as_they_are():
    x = np.full((40, 50), 3.0)
    run = make_layer(text("false"), [x])
    (y,) = run.forward()
    np.testing.assert_array_equal(np.unique(y), [0, 3])
    assert abs((y == 0).mean() - 0.3) < 0.03
    (dx,), _ = run.backward([np.ones_like(x)])
    np.testing.assert_array_equal(dx, y / 3)


def test_testing_scales():
    x = normal(3, 4)
    (y,) = make_layer(text("false"), [x], phase="TEST").forward()
    np.testing.assert_allclose(y, 0.7 * x, rtol=1e-6)


def test_true_is_caffes_dropout():
    x = normal(30, 4)
    plain = make_layer('type: "Dropout" dropout_param { dropout_ratio: 0.3 }', [x], seed=4)
    run = make_layer(text("true"), [x], seed=4)
    np.testing.assert_array_equal(run.forward()[0], plain.forward()[0])


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("ratio", "phase"), [(0.4, "TRAIN"), (0.4, "TEST"), (0, "TRAIN")])
def test_gradients(ratio, phase, in_place):
    for scale in ("true", "false"):
        check_layer(text(scale, ratio), [normal(3, 1, 4)], phase=phase, in_place=in_place)
    untouched(make_layer(text("false", ratio), [normal(2, 3)], phase=phase), [normal(2, 3)])


def test_errors():
    fails(text("false", 1), [normal(2, 3)], "at least 0 and below 1", "got 1")
