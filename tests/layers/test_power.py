import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layers.neurons import check_neuron


@pytest.mark.parametrize(
    "param, power, scale, shift",
    [
        ("", 1, 1, 0),
        ("scale: -2 shift: 3", 1, -2, 3),
        ("power: 2", 2, 1, 0),
        ("power: 2 scale: 0.5 shift: 0.75", 2, 0.5, 0.75),
        ("power: 3 scale: 0.5", 3, 0.5, 0),
        ("power: 0.37 scale: 0.5 shift: 3", 0.37, 0.5, 3),
        ("power: 0.5 shift: 4", 0.5, 1, 4),
        ("power: -1 shift: 4", -1, 1, 4),
        ("power: 1.5 scale: -1 shift: 4", 1.5, -1, 4),
    ],
)
def test_formula_and_gradient(param, power, scale, shift):
    power = float(np.float32(power))
    check_neuron(f'type: "Power" power_param {{ {param} }}', lambda x: (shift + scale * x) ** power)


@pytest.mark.parametrize(
    "param, value",
    [
        ("power: 0", 1),
        ("power: 0 scale: 0", 1),
        ("scale: 0 shift: 3 power: 2", 9),
        ("scale: 0 power: 2", 0),
    ],
)
def test_constants(param, value):
    run = make_layer(f'type: "Power" power_param {{ {param} }}', [[-2.0, 0.0, 5.0, np.nan]])
    assert run.forward()[0].tolist() == [value] * 4
    assert run.backward([np.ones(4)])[0][0].tolist() == [0] * 4


def test_gradient_where_the_base_is_0():
    run = make_layer('type: "Power" power_param { power: 3 }', [[0.0, 2.0]])
    run.forward()
    assert run.backward([np.ones(2)])[0][0].tolist() == [0, 12]


def test_fractional_power_of_a_negative_number_is_nan():
    run = make_layer('type: "Power" power_param { power: 0.3 }', [[-1.0, 1.0]])
    (y,) = run.forward()
    assert np.isnan(y[0])
    assert y[1] == 1
    run.backward([np.ones(2)])
