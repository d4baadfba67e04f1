import math

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import RNG, fails, normal

TEXT = 'type: "MultinomialLogisticLoss"'


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 3, 1, 1), (4, 3, 2)])
def test_formula_and_gradient(shape):
    p = RNG.uniform(0.05, 1, shape)
    labels = np.array([2, 0, 1, 1.0])[: shape[0]]
    rows = p.reshape(shape[0], -1)
    total = -sum(math.log(row[int(k)]) for row, k in zip(rows, labels, strict=True))
    (loss,) = make_layer(TEXT, [p, labels]).forward()
    assert loss == pytest.approx(total / shape[0])
    check_layer(TEXT, [p, labels])
    check_layer(TEXT, [p, labels.reshape(-1, 1, 1, 1)])


def test_probability_0_counts_as_1e_20():
    run = make_layer(TEXT, [[[0.0, 1.0]], [0]])
    assert run.forward()[0] == pytest.approx(20 * math.log(10))
    np.testing.assert_allclose(run.backward()[0][0], [[-1e20, 0]])


def test_errors():
    p = np.full((2, 3), 0.3)
    for label in (3, -1, np.nan):
        fails(TEXT, [p, [0, label]], "0 to 2", f"{label:g}")
    fails(TEXT, [p, [0]], "first dimension")
    fails(TEXT, [p, normal(2, 3)], "6")
