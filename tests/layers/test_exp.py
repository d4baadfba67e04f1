import math

import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import make_layer
from tests.layers.neurons import check_neuron, saturates


@pytest.mark.parametrize(
    "param, base, scale, shift",
    [
        ("", math.e, 1, 0),
        ("scale: 0.5", math.e, 0.5, 0),
        ("shift: 1.5", math.e, 1, 1.5),
        ("base: 2", 2, 1, 0),
        ("base: 3 scale: -0.25 shift: -2", 3, -0.25, -2),
        ("base: 0.5 scale: 0.5 shift: 1", 0.5, 0.5, 1),
    ],
)
def test_formula_and_gradient(param, base, scale, shift):
    check_neuron(f'type: "Exp" exp_param {{ {param} }}', lambda x: base ** (shift + scale * x))


def test_overflow_is_infinity():
    y, dx = saturates('type: "Exp"')
    assert y[:2].tolist() == [0, 0]
    assert y[3:6].tolist() == [np.inf] * 3
    assert dx[5] == np.inf


@pytest.mark.parametrize("base", ["0", "-2", "inf", "nan"])
def test_base_must_be_positive(base):
    with pytest.raises(LayerError, match="base must be positive and finite, or -1 for e"):
        make_layer(f'type: "Exp" exp_param {{ base: {base} }}', [[0.0]])


def test_shift_beyond_the_range_of_numbers():
    with pytest.raises(LayerError, match="overflows"):
        make_layer('type: "Exp" exp_param { base: 10 shift: 1e6 }', [[0.0]])
