"""A layer with its blobs: set up, reshaped when it must be, and named in errors."""

import pytest

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob
from caffe_lite.errors import LayerError
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.placed_layer import PlacedLayer
from caffe_lite.proto import schema, text


def placed(definition, *shapes, tops=1):
    param = text.parse(definition, schema.LayerParameter)
    ops = get_ops(dtype="float64")
    layer = layer_class(param.type)(param, ops)
    return PlacedLayer(layer, [Blob(ops, *shape) for shape in shapes], [Blob(ops)] * tops)


def test_it_needs_a_reshape_at_first_and_when_a_bottom_changes_shape():
    power = placed('name: "p" type: "Power"', (2, 3))
    power.set_up()
    assert power.needs_reshape()
    power.reshape()
    assert power.top[0].shape == (2, 3)
    assert not power.needs_reshape()
    power.bottom[0].reshape(3, 2)
    assert power.needs_reshape(), "as many elements, but another shape"
    power.reshape()
    assert power.top[0].shape == (3, 2)
    power.require_reshape()
    assert power.needs_reshape()


def test_a_layer_whose_shapes_follow_from_data_always_needs_one():
    filtered = placed('name: "f" type: "Filter"', (2, 3), (2,))
    filtered.set_up()
    filtered.bottom[1].data[...] = 1
    filtered.reshape()
    assert filtered.needs_reshape()


def test_loss_weights_are_written_into_the_diffs_of_tops():
    loss = placed('name: "l" type: "EuclideanLoss" loss_weight: 3', (4, 2), (4, 2))
    loss.set_up()
    loss.reshape()
    assert loss.top[0].diff == 3
    plain = placed('name: "p" type: "Power"', (2, 3))
    plain.set_up()
    plain.reshape()
    assert not plain.top[0].has_diff, "a top that is not a loss needs no gradient yet"


def test_errors_of_blobs_name_the_layer():
    tiles = placed('name: "t" type: "Tile" tile_param { tiles: 1111111111 }', (2, 9))
    tiles.set_up()
    with pytest.raises(LayerError, match=r'layer "t" \(Tile\): .* got 2 x 99999999'):
        tiles.reshape()
