import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("tiles", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_formula_and_gradient(axis, tiles, batch):
    x = normal(batch, 3, 4, 5)
    text = f'type: "Tile" tile_param {{ axis: {axis} tiles: {tiles} }}'
    (y,) = make_layer(text, [x]).forward()
    shape = list(x.shape)
    shape[axis] *= tiles
    assert y.shape == tuple(shape)
    for index in np.ndindex(*shape):
        source = list(index)
        source[axis] %= x.shape[axis]
        assert y[index] == x[tuple(source)]
    check_layer(text, [x])


def test_errors():
    fails('type: "Tile"', [normal(2, 3)], "tiles must be given and at least 1")
    fails('type: "Tile" tile_param { tiles: -1 }', [normal(2, 3)], "at least 1, got -1")
    fails('type: "Tile" tile_param { tiles: 2 axis: 2 }', [normal(2, 3)], "axis must be in [-2, 1]")
