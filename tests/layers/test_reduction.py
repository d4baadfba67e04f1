import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

OPERATIONS = {
    "SUM": sum,
    "ASUM": lambda values: sum(map(abs, values)),
    "SUMSQ": lambda values: sum(v * v for v in values),
    "MEAN": lambda values: sum(values) / len(values),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("coeff", [1, -2.5])
@pytest.mark.parametrize("batch", [1, 2])
def test_formula_and_gradient(operation, axis, coeff, batch):
    x = normal(batch, 3, 5)
    text = (
        f'type: "Reduction" reduction_param {{ operation: {operation} axis: {axis} '
        f"coeff: {coeff} }}"
    )
    (y,) = make_layer(text, [x]).forward()
    assert y.shape == x.shape[:axis]
    for index in np.ndindex(*y.shape):
        values = x[index].reshape(-1).tolist()
        assert y[index] == pytest.approx(coeff * OPERATIONS[operation](values))
    check_layer(text, [x])


def test_defaults_sum_everything():
    x = normal(2, 3)
    (y,) = make_layer('type: "Reduction"', [x]).forward()
    assert y.shape == ()
    assert y == pytest.approx(x.sum())


def test_the_absolute_sum_has_gradient_0_at_0():
    run = make_layer('type: "Reduction" reduction_param { operation: ASUM }', [[0.0, -3.0, 2.0]])
    run.forward()
    assert run.backward([5.0])[0][0].tolist() == [0, -5, 5]


def test_errors():
    fails(
        'type: "Reduction" reduction_param { axis: 2 }',
        [normal(2, 3)],
        "axis must be in [-2, 1]",
        "got 2",
    )
    fails('type: "Reduction" reduction_param { operation: MEAN }', [np.zeros((2, 0))], "(2, 0)")
