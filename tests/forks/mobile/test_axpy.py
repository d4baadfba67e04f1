import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

A, X1, X2 = normal(2, 3), normal(2, 3, 4, 5), normal(2, 3, 4, 5)

CASES = [
    Case("Axpy", "", (spread(3, 2, 1, 1), spread(3, 2, 4, 5), spread(3, 2, 4, 5))),
    Case("Axpy", "", (spread(3, 2), spread(3, 2, 4), spread(3, 2, 4))),
]
SAMPLES = {"Axpy": (A, X1, X2)}


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_values_and_gradients(shape):
    bottoms = [A.reshape(shape), X1, X2]
    (y,) = make_layer('type: "Axpy"', bottoms).forward()
    for n, c, h, w in np.ndindex(X1.shape):
        expected = A[n, c] * X1[n, c, h, w] + X2[n, c, h, w]
        assert y[n, c, h, w] == pytest.approx(expected)
    check_layer('type: "Axpy"', bottoms)
    check_layer('type: "Axpy"', [x[:1] for x in bottoms])


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer('type: "Axpy"', [A, X1, X2]), [X1])


@pytest.mark.parametrize(
    "bottoms, part",
    [
        ((A, X1, X2[:, :, :3]), "one shape"),
        ((A[:, :2], X1, X2), "(2, 2)"),
        ((normal(2, 3, 4, 5), X1, X2), "(N, C, 1, 1)"),
    ],
)
def test_errors(bottoms, part):
    fails('type: "Axpy"', bottoms, part)
