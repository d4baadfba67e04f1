import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layers.helpers import distinct, fails


def ranked(values):
    """Indices from the largest value down; of equal values the last comes first."""
    return sorted(range(len(values)), key=lambda i: (values[i], i), reverse=True)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("values", [False, True])
def test_of_whole_items(batch, top_k, values):
    x = distinct(batch, 2, 5)
    text = f'type: "ArgMax" argmax_param {{ top_k: {top_k} out_max_val: {str(values).lower()} }}'
    (y,) = make_layer(text, [x]).forward()
    assert y.shape == (batch, 2 if values else 1, top_k)
    for n in range(batch):
        flat = x[n].reshape(-1)
        best = ranked(flat)[:top_k]
        assert y[n, 0].tolist() == best
        if values:
            assert y[n, 1].tolist() == [flat[i] for i in best]


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("values", [False, True])
def test_along_an_axis(axis, top_k, values):
    x = distinct(2, 5, 3, 4)
    text = (
        f'type: "ArgMax" argmax_param {{ axis: {axis} top_k: {top_k} '
        f"out_max_val: {str(values).lower()} }}"
    )
    (y,) = make_layer(text, [x]).forward()
    expected = list(x.shape)
    expected[axis] = top_k
    assert y.shape == tuple(expected)
    lines, results = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    for index in np.ndindex(*lines.shape[:-1]):
        best = ranked(lines[index])[:top_k]
        assert results[index].tolist() == [lines[index][i] if values else i for i in best]


def test_more_axes_give_a_top_of_as_many():
    assert make_layer('type: "ArgMax"', [distinct(2, 3, 4, 5, 6)]).forward()[0].shape == (
        2,
        1,
        1,
        1,
        1,
    )
    assert make_layer('type: "ArgMax"', [distinct(7, 3)]).forward()[0].shape == (7, 1, 1)


def test_the_last_of_equal_values_wins():
    assert make_layer('type: "ArgMax"', [[[2.0, 1.0, 2.0, 1.0]]]).forward()[0].tolist() == [[[2]]]
    text = 'type: "ArgMax" argmax_param { top_k: 3 }'
    assert make_layer(text, [[[2.0, 1.0, 2.0, 2.0]]]).forward()[0].tolist() == [[[3, 2, 0]]]


def test_it_has_no_gradient():
    run = make_layer('type: "ArgMax"', [[[1.0, 2.0]]])
    run.forward()
    with pytest.raises(Exception, match="no backward pass"):
        run.backward()


def test_errors():
    x = distinct(2, 3, 4)
    fails('type: "ArgMax" argmax_param { top_k: 0 }', [x], "top_k must be at least 1, got 0")
    fails('type: "ArgMax" argmax_param { top_k: 13 }', [x], "top_k must be at most 12", "got 13")
    fails('type: "ArgMax" argmax_param { axis: 1 top_k: 4 }', [x], "at most 3", "got 4")
    fails('type: "ArgMax" argmax_param { axis: 3 }', [x], "axis must be in [-3, 2]", "got 3")
    fails('type: "ArgMax"', [np.zeros((2, 0))], "(2, 0)")
    fails('type: "ArgMax"', [1.0], "scalar")
