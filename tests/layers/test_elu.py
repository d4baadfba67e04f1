import math

import numpy as np
import pytest

from tests.layers.neurons import check_neuron, saturates


@pytest.mark.parametrize("alpha", [1, 0.3, 0, -0.5])
def test_formula_and_gradient(alpha):
    check_neuron(
        f'type: "ELU" elu_param {{ alpha: {alpha} }}',
        lambda x: x if x > 0 else float(np.float32(alpha)) * (math.exp(x) - 1),
    )


def test_alpha_is_1_by_default():
    check_neuron('type: "ELU"', lambda x: x if x > 0 else math.exp(x) - 1)


def test_far_from_0():
    y, dx = saturates('type: "ELU"')
    np.testing.assert_allclose(y[:6], [-1, -1, -1, 100, 1e4, np.inf])
    np.testing.assert_allclose(dx[:5], [0, 0, 0, 1, 1])
    assert np.isnan(y[6])
