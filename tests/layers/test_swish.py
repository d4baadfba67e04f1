import math

import numpy as np
import pytest

from tests.layers.neurons import check_neuron, saturates


@pytest.mark.parametrize("beta", [1.75, 0.5, -0.8])
def test_formula_and_gradient(beta):
    check_neuron(
        f'type: "Swish" swish_param {{ beta: {beta} }}',
        lambda x: x / (1 + math.exp(-float(np.float32(beta)) * x)),
    )


def test_beta_is_1_by_default():
    check_neuron('type: "Swish"', lambda x: x / (1 + math.exp(-x)))


def test_far_from_0():
    y, dx = saturates('type: "Swish"')
    np.testing.assert_allclose(y[1:5], [0, 0, 100, 1e4])
    np.testing.assert_allclose(dx[1:5], [0, 0, 1, 1])
