import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import make_layer
from tests.layers.neurons import check_neuron


@pytest.mark.parametrize(
    "text, threshold", [("", 0), ("threshold_param { threshold: 0.75 }", 0.75)]
)
def test_formula(text, threshold):
    check_neuron(f'type: "Threshold" {text}', lambda x: float(x > threshold), smooth=False)


def test_the_threshold_itself_gives_0():
    run = make_layer('type: "Threshold" threshold_param { threshold: 0.5 }', [[0.5, 0.6, np.nan]])
    assert run.forward()[0].tolist() == [0, 1, 0]


def test_it_has_no_gradient():
    run = make_layer('type: "Threshold"', [[1.0]])
    run.forward()
    with pytest.raises(LayerError, match="no backward pass"):
        run.backward()
    run.backward(propagate_down=[False])
