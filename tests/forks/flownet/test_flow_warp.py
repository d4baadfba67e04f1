import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

X = normal(2, 3, 4, 5)
# Places well inside and outside, none near a whole pixel, where the gradient jumps.
FLOW = np.random.default_rng(2).integers(-3, 4, (2, 2, 4, 5)) + np.random.default_rng(3).uniform(
    0.1, 0.9, (2, 2, 4, 5)
)

CASES = [Case("FlowWarp", "", (X, FLOW), allocates="fetches four pixels for each")]
SAMPLES = {"FlowWarp": (X, FLOW)}


def by_loop(x, flow, fill=0.0):
    y = np.full(x.shape, fill)
    height, width = x.shape[2:]
    for n, i, j in np.ndindex(len(x), height, width):
        column, row = j + flow[n, 0, i, j], i + flow[n, 1, i, j]
        if not (0 <= column < width and 0 <= row < height):
            continue
        c, r = int(column), int(row)
        right, below = min(c + 1, width - 1), min(r + 1, height - 1)
        a, b = column - c, row - r
        y[n, :, i, j] = (1 - b) * ((1 - a) * x[n, :, r, c] + a * x[n, :, r, right])
        y[n, :, i, j] += b * ((1 - a) * x[n, :, below, c] + a * x[n, :, below, right])
    return y


def test_values_and_gradients():
    (y,) = make_layer('type: "FlowWarp"', [X, FLOW]).forward()
    expected = by_loop(X, FLOW)
    assert 0.2 < (expected == 0).mean() < 0.8
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
    check_layer('type: "FlowWarp"', [X, FLOW])
    check_layer('type: "FlowWarp"', [X[:1], FLOW[:1]])


def test_whole_pixels_and_the_border():
    flow = np.zeros((2, 2, 4, 5))
    np.testing.assert_array_equal(make_layer('type: "FlowWarp"', [X, flow]).forward()[0], X)
    flow[:, 0] = 1
    (y,) = make_layer('type: "FlowWarp"', [X, flow]).forward()
    np.testing.assert_array_equal(y[..., :-1], X[..., 1:])
    assert (y[..., -1] == 0).all()


@pytest.mark.parametrize("bad", [np.nan, 1e30, -1e30])
def test_a_fill_of_nan_and_flow_without_a_place(bad):
    flow = np.zeros((2, 2, 4, 5))
    flow[0, 1, 2, 3] = bad
    text = 'type: "FlowWarp" flow_warp_param { fill_value: NOT_A_NUMBER }'
    run = make_layer(text, [X, flow])
    (y,) = run.forward()
    assert np.isnan(y[0, :, 2, 3]).all() and np.isnan(y).sum() == 3
    (dx, dflow), _ = run.backward([np.ones(X.shape)])
    assert np.isfinite(dx).all() and dflow[0, 1, 2, 3] == 0


def test_errors():
    fails('type: "FlowWarp"', [X, FLOW[:, :1]], "a flow (N, 2, H, W)", "(2, 1, 4, 5)")
