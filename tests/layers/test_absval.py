import numpy as np
import pytest

from caffe_lite.errors import ModelError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.layers.neurons import check_neuron


def test_formula_and_gradient():
    check_neuron('type: "AbsVal"', abs, in_place=False)


def test_gradient_at_0_is_0():
    run = make_layer('type: "AbsVal"', [[0.0, -0.0, np.nan]])
    assert run.forward()[0][:2].tolist() == [0, 0]
    assert run.backward([np.ones(3)])[0][0][:2].tolist() == [0, 0]


def test_in_place_is_refused():
    net = text.parse(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } } '
        'layer { name: "a" type: "AbsVal" bottom: "x" top: "x" }',
        schema.NetParameter,
    )
    with pytest.raises(ModelError, match=r'layer "a" \(AbsVal\).*in place'):
        Net(net, schema.TEST)
