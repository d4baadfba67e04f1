"""Embed: rows of a table."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import FILLED, fails, normal, params


def text(options=""):
    return f'type: "Embed" embed_param {{ input_dim: 6 num_output: 4 {FILLED} {options} }}'


@pytest.mark.parametrize("options", ["", "bias_term: false"])
@pytest.mark.parametrize("ids", [[[5, 0, 3], [3, 3, 1]], [2]])
def test_forward_and_gradients(options, ids):
    run = make_layer(text(options), [ids])
    weight, *bias = params(run)
    (rows,) = run.forward()
    assert rows.shape == (*np.shape(ids), 4)
    for place in np.ndindex(*np.shape(ids)):
        expected = weight[np.array(ids)[place]] + (bias[0] if bias else 0)
        np.testing.assert_allclose(rows[place], expected, rtol=1e-10)
    check_layer(text(options), [ids])


def test_repeated_ids_add_up_on_what_was_there():
    run = make_layer(text(), [[1, 4, 1, 1]])
    run.forward()
    drows = normal(4, 4)
    run.backward([drows])
    _, (dweight, dbias) = run.backward([drows])
    np.testing.assert_allclose(dweight[1], 2 * (drows[0] + drows[2] + drows[3]), rtol=1e-10)
    np.testing.assert_allclose(dweight[4], 2 * drows[1], rtol=1e-10)
    assert (dweight[[0, 2, 3, 5]] == 0).all()
    np.testing.assert_allclose(dbias, 2 * drows.sum(axis=0), rtol=1e-10)


@pytest.mark.parametrize("options", ["", "bias_term: false"])
def test_padding_is_a_row_of_zeros_that_learns_nothing(options):
    run = make_layer(text(options), [[3, -1, 0, -1, 5]])
    weight, *bias = params(run)
    (rows,) = run.forward()
    for place in (1, 3):
        np.testing.assert_array_equal(rows[place], bias[0] if bias else np.zeros(4))
    np.testing.assert_allclose(rows[2], weight[0] + (bias[0] if bias else 0), rtol=1e-10)
    drows = normal(5, 4)
    _, (dweight, *_) = run.backward([drows])
    for row, place in ((3, 0), (0, 2), (5, 4)):
        np.testing.assert_allclose(dweight[row], drows[place], rtol=1e-10)
    assert (dweight[[1, 2, 4]] == 0).all()


def test_errors():
    fails(text(), [[0, 6]], "integers from 0 to 5", "got 6")
    fails(text(), [[0, -2]], "got -2")
    fails(text(), [[0, np.nan]], "got nan")
    fails('type: "Embed" embed_param { input_dim: 3 }', [[0]], "num_output must be at least 1")
    fails('type: "Embed" embed_param { num_output: 3 }', [[0]], "input_dim must be at least 1")
    run = make_layer(text(), [[0, 1]])
    run.forward()
    with pytest.raises(Exception, match="cannot backpropagate to its ids"):
        run.backward([normal(2, 4)], [True])
