import math

import numpy as np

from tests.layers.neurons import check_neuron, saturates


def test_formula_and_gradient():
    check_neuron('type: "BNLL"', lambda x: math.log(1 + math.exp(x)))


def test_far_from_0():
    y, dx = saturates('type: "BNLL"')
    np.testing.assert_allclose(y[:6], [0, 0, 0, 100, 1e4, np.inf], atol=1e-30)
    np.testing.assert_allclose(dx[:6], [0, 0, 0, 1, 1, 1], atol=1e-30)
    assert np.isnan(y[6])
    assert np.isnan(dx[6])
