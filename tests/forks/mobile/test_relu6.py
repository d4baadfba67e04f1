import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, untouched

X = spread(3, 2, 5, 4, low=-3, high=9)

CASES = [
    Case("ReLU6", "", (X,)),
    Case("ReLU6", "relu6_param { negative_slope: 0.3 }", (X,)),
]
SAMPLES = {"ReLU6": (X,)}


def by_loop(x, slope):
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        y[index] = slope * value if value < 0 else value if value < 6 else 6
    return y


@pytest.mark.parametrize(
    "param, slope",
    [
        ("", 0),
        ("relu6_param { engine: CAFFE }", 0),
        ("relu6_param { negative_slope: 0.2 }", 0.2),
        ("relu_param { negative_slope: 0.3 }", 0.3),
    ],
)
def test_values_and_gradients(param, slope):
    prototxt = f'type: "ReLU6" {param}'
    (y,) = make_layer(prototxt, [X]).forward()
    np.testing.assert_allclose(y, by_loop(X, slope), rtol=1e-6)
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


@pytest.mark.parametrize("slope", [0, 0.25])
def test_the_gradient_at_the_bounds(slope):
    x = np.array([[-1.0, 0.0, 3.0, 6.0, 7.0]])
    run = make_layer(f'type: "ReLU6" relu6_param {{ negative_slope: {slope} }}', [x])
    run.forward()
    (dx,), _ = run.backward([np.full_like(x, 2)])
    np.testing.assert_array_equal(dx, 2 * np.array([[slope, slope, 1, 0, 0]]))


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer('type: "ReLU6"', [X]), [X])


def test_an_old_definition(tmp_path):
    path = tmp_path / "old.prototxt"
    path.write_text(
        """input: "x" input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1
           layers { name: "r" type: RELU6 bottom: "x" top: "x"
                    relu6_param { negative_slope: 0.5 } }"""
    )
    net = Net(str(path))
    net.blobs["x"].data.reshape(-1)[...] = -2, 7
    net.forward()
    assert net.blobs["x"].data.ravel().tolist() == [-1, 6]


def test_errors():
    fails('type: "ReLU6" relu6_param { negative_slope: -1 }', [X], "negative_slope", "-1")
