"""BatchNorm blobs with scale and bias inside: into the same layer, and into BatchNorm and Scale."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import ModelError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.weights import copy_weights, read_weights
from tests.weights.weight_nets import net_message

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 4, 3, 5))
MEAN, SCALE, BIAS = RNG.normal(size=(3, 4)).astype("f4")
VAR = RNG.uniform(0.5, 2, 4).astype("f4")
INPUT = """layer { name: "x" type: "Input" top: "x"
                   input_param { shape { dim: 2 dim: 4 dim: 3 dim: 5 } } }"""
INSIDE = """layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                    batch_norm_param { scale_bias: true } }"""
APART = """layer { name: "bn" type: "BatchNorm" bottom: "x" top: "%s" }
           layer { name: "scale" type: "Scale" bottom: "%s" top: "y"
                   scale_param { bias_term: true } }"""


def column(values):
    return np.reshape(values, (1, -1, 1, 1)).astype("f4")


NEW = [MEAN, VAR, np.ones(1, "f4"), SCALE, BIAS]
ORDERS = {
    "NVIDIA": NEW,
    "columns": [column(blob) for blob in NEW],
    "a weight per channel": [column(b) for b in (MEAN, VAR, np.ones(4), SCALE, BIAS)],
    "older, unused weight": [SCALE, BIAS, MEAN, VAR, np.zeros(1, "f4")],
    "older columns": [column(blob) for blob in (SCALE, BIAS, MEAN, VAR, np.ones(1))],
    "Intel, sums": [MEAN * 3, VAR * 3, np.full(1, 3, "f4"), SCALE, BIAS],
    "older Intel": [SCALE, BIAS, MEAN * 3, VAR * 3, np.full(1, 3, "f4")],
}


def loaded(tmp_path, layers, **blobs):
    path = tmp_path / "weights.caffemodel"
    path.write_bytes(net_message(**blobs).SerializeToString())
    param = text.parse(INPUT + layers, schema.NetParameter)
    net = Net(param, phase=schema.TEST, ops=get_ops(dtype="float64"))
    return net, copy_weights(net, read_weights(path))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [INSIDE, APART % ("b", "b"), APART % ("x", "x")])
def test_every_order_into_every_definition(tmp_path, order, layers):
    net, report = loaded(tmp_path, layers, bn=ORDERS[order])
    assert not report.missing
    net.blobs["x"].data[...] = X
    net.forward()
    parts = (column(a).astype("f8") for a in (MEAN, VAR, SCALE, BIAS))
    mean, var, scale, bias = parts
    expected = scale * (X - mean) / np.sqrt(var + 1e-5) + bias
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "behind",
    [
        "",
        'layer { name: "scale" type: "Scale" bottom: "b" top: "y" }',
        'layer { name: "relu" type: "ReLU" bottom: "b" top: "b" }',
    ],
)
def test_without_a_scale_layer_behind_they_do_not_fit(tmp_path, behind):
    bn = 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "b" }'
    with pytest.raises(ModelError, match="has 5 blobs there and 3 here"):
        loaded(tmp_path, bn + behind, bn=NEW)


def test_a_scale_layer_that_the_file_has_keeps_its_blobs(tmp_path):
    with pytest.raises(ModelError, match="has 5 blobs there and 3 here"):
        loaded(tmp_path, APART % ("b", "b"), bn=NEW, scale=[SCALE, BIAS])


def test_other_channels_are_refused(tmp_path):
    blobs = [np.ones(5, "f4"), np.ones(5, "f4"), np.ones(1, "f4"), *[np.ones(5, "f4")] * 2]
    with pytest.raises(ModelError, match="blob 0 is 5 there and 4 here"):
        loaded(tmp_path, INSIDE, bn=blobs)
