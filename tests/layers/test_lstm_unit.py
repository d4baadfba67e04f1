"""LSTMUnit against its formula."""

from math import tanh

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched
from tests.layers.recurrent import sigmoid

TEXT = 'type: "LSTMUnit"'


@pytest.mark.parametrize("cont", [[1.0], [0, 1, 1], [1, 0]])
def test_forward_and_gradients(cont):
    streams, hidden = len(cont), 2
    bottoms = [normal(1, streams, hidden), normal(1, streams, 4 * hidden), np.array([cont])]
    c, h = make_layer(TEXT, bottoms).forward()
    for n, d in np.ndindex(streams, hidden):
        i, f, o, g = (bottoms[1][0, n, k * hidden + d] for k in range(4))
        expected = cont[n] * sigmoid(f) * bottoms[0][0, n, d] + sigmoid(i) * tanh(g)
        np.testing.assert_allclose(c[0, n, d], expected, rtol=1e-10)
        np.testing.assert_allclose(h[0, n, d], sigmoid(o) * tanh(expected), rtol=1e-10)
    check_layer(TEXT, bottoms, propagate_down=[True, True, False])


@pytest.mark.parametrize("asked", [0, 1])
def test_gradients_one_by_one(asked):
    bottoms = [normal(1, 3, 2), normal(1, 3, 8), np.ones((1, 3))]
    top_diffs = [normal(1, 3, 2), normal(1, 3, 2)]
    run = make_layer(TEXT, bottoms)
    run.forward()
    both, _ = run.backward(top_diffs, [True, True, False])
    for blob in run.bottom:
        blob.diff[...] = 7
    one, _ = run.backward(top_diffs, [i == asked for i in range(3)])
    np.testing.assert_array_equal(one[asked], both[asked])
    assert (one[1 - asked] == 7).all()
    untouched(run, top_diffs)


def test_errors():
    c, gates, cont = normal(1, 3, 2), normal(1, 3, 8), np.ones((1, 3))
    fails(TEXT, [normal(2, 3, 2), gates, cont], "(1, N, H), got (2, 3, 2)")
    fails(TEXT, [c, normal(1, 3, 7), cont], "bottom[1] must have shape (1, 3, 8)", "got (1, 3, 7)")
    fails(TEXT, [c, gates, np.ones(3)], "bottom[2] must have shape (1, 3)", "got (3,)")
    run = make_layer(TEXT, [c, gates, cont])
    run.forward()
    with pytest.raises(Exception, match="sequence indicators"):
        run.backward([c, c], [True, True, True])
