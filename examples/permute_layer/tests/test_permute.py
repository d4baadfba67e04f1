"""The layer alone, its gradient, and the layer in a net that names it."""

import numpy as np
import pytest

import caffe_lite
from caffe_lite.testing import check_layer, make_layer

X = np.random.default_rng(1).normal(size=(2, 3, 5, 4))
ORDER = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
NET = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "perm" type: "Permute" bottom: "data" top: "perm" %s }
"""


def test_every_element_goes_to_its_place():
    (y,) = make_layer(f'type: "Permute" {ORDER}', [X]).forward()
    assert y.shape == (2, 5, 4, 3)
    for n, c, h, w in np.ndindex(X.shape):
        assert y[n, h, w, c] == X[n, c, h, w]


def test_axes_that_are_left_out_follow():
    (y,) = make_layer('type: "Permute" permute_param { order: 2 }', [X]).forward()
    np.testing.assert_array_equal(y, X.transpose(2, 0, 1, 3))


@pytest.mark.parametrize("batch", [1, 2])
def test_gradient(batch):
    check_layer(f'type: "Permute" {ORDER}', [X[:batch]])


def test_in_a_net(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET % ORDER)
    net = caffe_lite.Net(tmp_path / "net.prototxt", phase=1)
    assert net.blobs["perm"].shape == (2, 5, 4, 3)


@pytest.mark.parametrize("order", ["order: 1 order: 1", "order: 4"])
def test_an_order_that_is_none(order):
    message = r'layer "layer" \(Permute\): order must name axes of the bottom, 0 to 3, each once'
    with pytest.raises(caffe_lite.CaffeError, match=message):
        make_layer(f'type: "Permute" permute_param {{ {order} }}', [X])
