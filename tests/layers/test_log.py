import math

import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import make_layer
from tests.layers.neurons import check_neuron, inputs


@pytest.mark.parametrize(
    "param, base, scale, shift",
    [
        ("shift: 4", math.e, 1, 4),
        ("scale: 2 shift: 7", math.e, 2, 7),
        ("base: 2 shift: 4", 2, 1, 4),
        ("base: 10 scale: -0.5 shift: 3", 10, -0.5, 3),
        ("base: 0.5 scale: 0.5 shift: 2", 0.5, 0.5, 2),
    ],
)
def test_formula_and_gradient(param, base, scale, shift):
    check_neuron(
        f'type: "Log" log_param {{ {param} }}',
        lambda x: math.log(shift + scale * x) / math.log(base),
    )


def test_defaults_are_the_natural_logarithm():
    check_neuron('type: "Log"', math.log, inputs(low=0.3, high=4))


def test_zero_and_negative_numbers_give_infinity_and_nan():
    run = make_layer('type: "Log"', [[0.0, -1.0, np.nan, np.inf]])
    (y,) = run.forward()
    assert y[0] == -np.inf
    assert np.isnan(y[1:3]).all()
    assert y[3] == np.inf
    assert run.backward([np.ones(4)])[0][0][3] == 0


@pytest.mark.parametrize(
    "base, message",
    [
        ("0", "base must be positive"),
        ("-2", "base must be positive"),
        ("1", "base must not be 1"),
    ],
)
def test_impossible_bases(base, message):
    with pytest.raises(LayerError, match=message):
        make_layer(f'type: "Log" log_param {{ base: {base} }}', [[1.0]])
