"""A net of two inner products, as tests of nets build it."""

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

SMALL = """
    name: "small"
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 5 dim: 3 } } }
    layer { name: "target" type: "Input" top: "t" input_param { shape { dim: 5 dim: 2 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "h"
            inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
    layer { name: "r" type: "ReLU" bottom: "h" top: "h" }
    layer { name: "b" type: "InnerProduct" bottom: "h" top: "y"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" %s }
"""


def build(definition, phase=schema.TRAIN, seed=7, **options):
    return Net(
        text.parse(definition, schema.NetParameter),
        phase,
        get_ops(dtype="float64"),
        seed=seed,
        **options,
    )
