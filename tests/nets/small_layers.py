"""Definitions of single layers, to build nets from in tests of wiring and of backward."""

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } } '
LABEL = 'layer { name: "lab" type: "Input" top: "t" input_param { shape { dim: 4 dim: 2 } } } '


def build(definition, phase=schema.TRAIN):
    return Net(text.parse(definition, schema.NetParameter), phase, seed=1)


def product(name, bottom, top, more=""):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}" {more} '
        'inner_product_param { num_output: 2 weight_filler { type: "xavier" } } } '
    )


def loss(bottom, more=""):
    return (
        f'layer {{ name: "loss" type: "EuclideanLoss" bottom: "{bottom}" bottom: "t" top: "l" '
        f"{more} }} "
    )
