"""MMDLoss and GradientScaler."""

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

SOURCE, TARGET = normal(5, 3), 0.6 * normal(4, 3) + 0.5
MMD = 'type: "MMDLoss" mmd_param { kernel_num: 3 kernel_mul: 1.5 %s }'
SCALER = 'type: "GradientScaler" gradient_scaler_param { lower_bound: 0.1 upper_bound: 0.7 %s }'

CASES = [
    Case(
        "MMDLoss",
        "mmd_param { fix_gamma: true }",
        (SOURCE, TARGET),
        gradient=False,
        own_gradient="gamma takes no gradient, and every pass draws other pairs",
        flags=(True, True),
        random=True,
        allocates="the pairs that are drawn",
    ),
    Case(
        "GradientScaler",
        "gradient_scaler_param { lower_bound: 0.2 }",
        (spread(4, 3),),
        gradient=False,
        own_gradient="the gradient is reversed",
    ),
]
SAMPLES = {"MMDLoss": (SOURCE, TARGET), "GradientScaler": (SOURCE,)}


def kernel(a, b, gamma):
    squares = ((a - b) ** 2).sum()
    return sum(np.exp(-gamma * 1.5 ** (i - 1) * squares) for i in range(3))


def bandwidth(source, target):
    items = np.concatenate([source, target])
    distances = [((a - b) ** 2).sum() for a in items for b in items]
    return (len(items) ** 2 - len(items)) / sum(distances)


def drawn(layer):
    (_, s1, _, s2, _), (_, t1, _, t2, _), *_ = layer._pairs
    return list(zip(s1, s2, t1, t2, strict=True))


def loss_of(source, target, pairs, gamma):
    return np.mean(
        [
            kernel(source[s1], source[s2], gamma)
            + kernel(target[t1], target[t2], gamma)
            - kernel(source[s1], target[t2], gamma)
            - kernel(source[s2], target[t1], gamma)
            for s1, s2, t1, t2 in pairs
        ]
    )


def test_discrepancy_and_its_gradient():
    run = make_layer(MMD % "", [SOURCE, TARGET])
    (loss,) = run.forward()
    gamma, pairs = bandwidth(SOURCE, TARGET), drawn(run.layer)
    assert len(pairs) == 5 and all(s1 != s2 and t1 != t2 for s1, s2, t1, t2 in pairs)
    np.testing.assert_allclose(loss, loss_of(SOURCE, TARGET, pairs, gamma), rtol=1e-9)
    got, _ = run.backward([np.array(0.7)])
    for which in (0, 1):
        for place in np.ndindex(got[which].shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = [SOURCE.copy(), TARGET.copy()]
                moved[which][place] += step
                values.append(loss_of(*moved, pairs, gamma))
            slope = 0.7 * (values[0] - values[1]) / 2e-5
            np.testing.assert_allclose(got[which][place], slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("fixed", [True, False])
def test_gamma_of_the_first_batch(fixed):
    run = make_layer(MMD % f"fix_gamma: {str(fixed).lower()}", [SOURCE, TARGET])
    run.forward()
    run.bottom[0].data[...] *= 2
    (loss,) = run.forward()
    gamma = bandwidth(SOURCE if fixed else 2 * SOURCE, TARGET)
    expected = loss_of(2 * SOURCE, TARGET, drawn(run.layer), gamma)
    np.testing.assert_allclose(loss, expected, rtol=1e-9)


def test_equal_items_have_no_discrepancy():
    run = make_layer(MMD % "", [np.ones((3, 2)), np.ones((1, 2))])
    assert run.forward()[0] == 0
    assert not any(each.any() for each in run.backward([np.ones(())])[0])


def test_the_gradient_is_reversed():
    run = make_layer(SCALER % "alpha: 3 max_iter: 4", [SOURCE])
    dy = normal(5, 3)
    for i in range(7):
        np.testing.assert_array_equal(run.forward()[0], SOURCE)
        (dx,), _ = run.backward([dy])
        factor = 0.1 + 0.6 * (2 / (1 + np.exp(-3 * min(1, i / 4))) - 1)
        np.testing.assert_allclose(dx, -factor * dy, rtol=1e-6)
    other = make_layer(SCALER % "alpha: 3 max_iter: 4", [SOURCE])
    other.layer.set_state(run.layer.get_state())
    other.forward()
    np.testing.assert_array_equal(other.backward([dy])[0][0], run.backward([dy])[0][0])


def test_errors():
    fails(MMD % "", [SOURCE, TARGET[:, :2]], "same size")
    fails('type: "MMDLoss" mmd_param { kernel_num: 0 }', [SOURCE, TARGET], "kernel_num")
    fails(SCALER % "alpha: -1", [SOURCE], "alpha must be at least 0")
    fails(SCALER % "max_iter: 0.5", [SOURCE], "max_iter at least 1")
