import math

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import RNG, fails, normal


def text(loss_param=""):
    return f'type: "SigmoidCrossEntropyLoss" loss_param {{ {loss_param} }}'


def item_losses(x, t):
    p = 1 / (1 + np.exp(-x))
    return np.array(
        [
            -(b * math.log(a) + (1 - b) * math.log(1 - a))
            for a, b in zip(p.reshape(-1), t.reshape(-1), strict=True)
        ]
    ).reshape(x.shape)


@pytest.mark.parametrize(
    "param, divisor",
    [
        ("", 4),
        ("normalization: BATCH_SIZE", 4),
        ("normalization: FULL", 12),
        ("normalization: VALID", 12),
        ("normalization: NONE", 1),
        ("normalize: true", 12),
        ("normalize: false", 4),
        ("normalize: true normalization: NONE", 1),
    ],
)
def test_formula_and_gradient(param, divisor):
    x, t = 2 * normal(4, 3), RNG.uniform(0, 1, (4, 3))
    (loss,) = make_layer(text(param), [x, t]).forward()
    assert loss == pytest.approx(item_losses(x, t).sum() / divisor)
    check_layer(text(param), [x, t])


@pytest.mark.parametrize(
    "param, divisor",
    [
        ("", 4),
        ("normalization: FULL", 8),
        ("normalization: VALID", 5),
        ("normalization: NONE", 1),
    ],
)
def test_ignored_targets(param, divisor):
    x = normal(4, 2)
    t = np.array([[0, -1], [1, 0.25], [-1, -1.5], [1, 0.75]])
    kept = t > -1
    (loss,) = make_layer(text(f"ignore_label: -1 {param}"), [x, t]).forward()
    assert loss == pytest.approx(item_losses(x, t)[kept].sum() / divisor)
    check_layer(text(f"ignore_label: -1 {param}"), [x, t])


def test_all_ignored():
    x, t = normal(2, 3), np.full((2, 3), 5.0)
    run = make_layer(text("ignore_label: 5 normalization: VALID"), [x, t])
    assert run.forward()[0] == 0
    assert (run.backward()[0][0] == 0).all()


def test_batch_of_one_and_other_target_shape():
    x = normal(1, 3, 2)
    check_layer(text(), [x, RNG.uniform(0, 1, (1, 6))])


def test_far_from_0():
    x = np.array([[-1e4, 1e4, -200.0, 200.0]])
    run = make_layer(text("normalization: NONE"), [x, [[0, 1, 1, 0]]], ops=get_ops())
    assert run.forward()[0] == 400
    np.testing.assert_array_equal(run.backward()[0][0], [[0, 0, -1, 1]])


def test_errors():
    fails(text(), [normal(2, 3), normal(2, 4)], "bottom[0] is (2, 3)", "(2, 4)")
    fails(text(), [normal(2, 3), normal(3, 2)], "first dimension")
    fails(text(), [np.zeros((0, 3)), np.zeros((0, 3))], "(0, 3)")
