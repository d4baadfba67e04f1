"""Nets and files that the tests of weights share."""

from pathlib import Path

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

FILES = Path(__file__).parent.parent / "reference" / "files"

CAPTIONER = """
layer { name: "words" type: "Input" top: "words" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 2 dim: 7 } } }
layer { name: "embedding" type: "Embed" bottom: "words" top: "emb"
        embed_param { input_dim: 11 num_output: 6 bias_term: false } }
layer { name: "lstm1" type: "LSTM" bottom: "emb" bottom: "cont" top: "lstm1"
        recurrent_param { num_output: 5 } }
layer { name: "lstm2" type: "LSTM" bottom: "lstm1" bottom: "cont" bottom: "feat" top: "lstm2"
        recurrent_param { num_output: 5 } }
layer { name: "predict" type: "InnerProduct" bottom: "lstm2" top: "predict"
        inner_product_param { num_output: 11 axis: 2 } }
"""

CLASSIFIER = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 5 dim: 5 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv1" top: "fc"
        inner_product_param { num_output: 5 } }
"""

CHAIN = """
name: "chain"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" }
                              bias_filler { type: "uniform" } } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
        inner_product_param { num_output: 5 weight_filler { type: "gaussian" } } }
"""

SHARED = """
name: "shared"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
        param { name: "w" } param { name: "" }
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" }
                              bias_filler { type: "uniform" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } param { name: "" }
        inner_product_param { num_output: 4 bias_filler { type: "uniform" } } }
"""


def build(prototxt, phase=schema.TEST, dtype="float32", seed=1):
    return Net(text.parse(prototxt, schema.NetParameter), phase, get_ops(dtype=dtype), seed=seed)


def values(net):
    """Copies of a net's learned blobs, by (layer, index)."""
    return {
        (name, i): blob.data.copy()
        for name, blobs in net.params.items()
        for i, blob in enumerate(blobs)
    }


def assert_same(got, want):
    assert got.keys() == want.keys()
    for key, array in want.items():
        np.testing.assert_array_equal(got[key], array, err_msg=str(key))


def net_message(**blobs):
    """A NetParameter with one InnerProduct layer for each name, holding the arrays given."""
    net = schema.NetParameter(name="made")
    for name, arrays in blobs.items():
        layer = net.layer.add(name=name, type="InnerProduct")
        for array in arrays:
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            blob.data.extend(array.ravel().tolist())
    return net
