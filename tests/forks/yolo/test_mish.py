import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread

X = spread(3, 2, 4, low=-4, high=4)
CASES = [Case("Mish", "", (X,), allocates="its gate")]
SAMPLES = {"Mish": (X,)}


def test_values_and_gradients():
    (y,) = make_layer('type: "Mish"', [X]).forward()
    np.testing.assert_allclose(y, X * np.tanh(np.log1p(np.exp(X))), rtol=1e-9)
    check_layer('type: "Mish"', [X])
    check_layer('type: "Mish"', [X[:1]], in_place=True)


def test_large_numbers():
    x = np.array([[1e30, 700, 30, -30, -700, -1e30]])
    run = make_layer('type: "Mish"', [x])
    np.testing.assert_allclose(
        run.forward()[0], [[1e30, 700, 30, -30 * np.exp(-30), 0, 0]], atol=1e-300
    )
    (dx,), _ = run.backward([np.ones_like(x)])
    np.testing.assert_allclose(dx, [[1, 1, 1, -29 * np.exp(-30), 0, 0]], rtol=1e-6, atol=1e-30)
