"""Softmax over any axis."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def text(axis=1):
    return f'type: "Softmax" softmax_param {{ axis: {axis} engine: CAFFE }}'


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_forward_and_gradients(axis, in_place):
    x = normal(2, 5, 3)
    (y,) = make_layer(text(axis), [x], in_place=in_place).forward()
    lines, expected = np.moveaxis(x, axis, -1), np.moveaxis(np.zeros_like(x), axis, -1)
    for place in np.ndindex(*lines.shape[:-1]):
        weights = [np.exp(v) for v in lines[place]]
        expected[place] = [w / sum(weights) for w in weights]
    np.testing.assert_allclose(np.moveaxis(y, axis, -1), expected, rtol=1e-10)
    check_layer(text(axis), [x], in_place=in_place)


def test_large_scores_do_not_overflow():
    run = make_layer(text(), [[[1000.0, 1001, -1000]]])
    np.testing.assert_allclose(run.forward()[0], [[1 / (1 + np.e), np.e / (1 + np.e), 0]])
    untouched(run, [np.ones((1, 3))])


def test_errors():
    fails(text(3), [normal(2, 3)], "axis must be in [-2, 1]")
    fails(text(), [np.zeros((2, 0))], "at least one element")
