"""Embed of bottom-up-attention, recognised by what its top is concatenated with."""

import pytest

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 5 dim: 4 } } }
layer { name: "score" type: "InnerProduct" bottom: "x" top: "score"
        inner_product_param { num_output: 7 } }
layer { name: "best" type: "ArgMax" bottom: "score" top: "best" argmax_param { axis: 1 } }
layer { name: "embed" type: "Embed" bottom: "best" top: "embedded" propagate_down: false
        embed_param { input_dim: 7 num_output: 3 } }
"""
JOIN = """layer { name: "join" type: "Concat" bottom: "%s" bottom: "embedded" top: "both" }"""


def test_embeddings_beside_rows_are_rows():
    net = Net(text.parse(NET + JOIN % "score", schema.NetParameter))
    assert net.blobs["embedded"].shape == (5, 3)
    assert net.blobs["both"].shape == (5, 10)
    assert net.params["embed"][0].shape == (7, 3)
    net.forward()


@pytest.mark.parametrize("more", ["", JOIN % "embedded"])
def test_others_keep_caffes_shape(more):
    net = Net(text.parse(NET + more, schema.NetParameter))
    assert net.blobs["embedded"].shape == (5, 1, 3)
