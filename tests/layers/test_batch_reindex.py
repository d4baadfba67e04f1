import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

TEXT = 'type: "BatchReindex"'


@pytest.mark.parametrize("index", [[2, 0, 2, 2, 1], [1], [0, 1, 2]])
@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 2, 5)])
def test_picks_items(shape, index):
    x = normal(*shape)
    (y,) = make_layer(TEXT, [x, index]).forward()
    assert y.shape == (len(index), *shape[1:])
    for i, source in enumerate(index):
        np.testing.assert_array_equal(y[i], x[source])
    check_layer(TEXT, [x, index])


def test_repeated_items_add_their_gradients():
    run = make_layer(TEXT, [normal(3, 2), [1, 1, 0]])
    run.forward()
    (dx, _), _ = run.backward([[[1, 2], [10, 20], [100, 200]]])
    assert dx.tolist() == [[100, 200], [11, 22], [0, 0]]


@pytest.mark.parametrize("index", [-1, 3, np.nan])
def test_an_index_that_is_no_item(index):
    fails(TEXT, [normal(3, 2), [0, index]], "from 0 to 2 (bottom[0] has 3 items)", f"{index:g}")


def test_errors():
    fails(TEXT, [normal(3, 2), [[0.0]]], "one axis of indices", "(1, 1)")
    fails(TEXT, [1.0, [0.0]], "got shapes ()")
    run = make_layer(TEXT, [normal(3, 2), [0]])
    run.forward()
    with pytest.raises(LayerError, match="backpropagate to indices"):
        run.backward(propagate_down=[True, True])
