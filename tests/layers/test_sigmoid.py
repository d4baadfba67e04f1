import math

import numpy as np

from tests.layers.neurons import check_neuron, saturates


def test_formula_and_gradient():
    check_neuron('type: "Sigmoid"', lambda x: 1 / (1 + math.exp(-x)))


def test_far_from_0():
    y, dx = saturates('type: "Sigmoid"')
    assert y[:6].tolist() == [0, 0, 0, 1, 1, 1]
    assert dx[:6].tolist() == [0] * 6
    assert np.isnan(y[6])


def test_engine_is_a_hint():
    check_neuron(
        'type: "Sigmoid" sigmoid_param { engine: CUDNN }', lambda x: 1 / (1 + math.exp(-x))
    )
