"""ReLU, leaky or not."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def text(slope):
    return f'type: "ReLU" relu_param {{ negative_slope: {slope} engine: CUDNN }}'


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("slope", [0, 0.3])
def test_forward_and_gradients(slope, in_place):
    x = normal(2, 3, 4)
    run = make_layer(text(slope), [x], in_place=in_place)
    np.testing.assert_allclose(
        run.forward()[0],
        [[[max(v, 0) + slope * min(v, 0) for v in row] for row in part] for part in x],
        rtol=1e-6,
    )
    dy = normal(2, 3, 4)
    (dx,), _ = run.backward([dy])
    np.testing.assert_allclose(dx, np.where(x > 0, dy, slope * dy), rtol=1e-6)
    check_layer(text(slope), [x], in_place=in_place)


def test_zero_takes_the_slope_and_nan_stays():
    run = make_layer(text(0.5), [[0.0, np.nan, -2.0]])
    np.testing.assert_array_equal(run.forward()[0], [0, np.nan, -1])
    (dx,), _ = run.backward([[1.0, 1, 1]])
    assert dx[0] == 0.5
    untouched(run, [np.ones(3)])


def test_errors():
    fails(text(0), [np.zeros((2, 0))], "at least one element")
