"""AutoCrop against what Caffe's own coordinate maps say."""

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.forks.translate import translate
from caffe_lite.proto import schema, text
from caffe_lite.pycaffe import layers as L  # noqa: N812
from caffe_lite.pycaffe.coord_map import crop

INPUT = """layer { name: "in" type: "Input" top: "data"
                input_param { shape { dim: 1 dim: 3 dim: 99 dim: 99 } } } """
FCN = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 pad: 40 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool" top: "conv2"
        convolution_param { num_output: 4 kernel_size: 3 kernel_size: 5 pad: 1 dilation: 2 } }
layer { name: "up" type: "Deconvolution" bottom: "conv2" top: "up"
        convolution_param { num_output: 4 kernel_size: 4 stride: 2 } }
layer { name: "crop" type: "AutoCrop" bottom: "up" bottom: "data" top: "crop" }
"""


def test_offsets_are_those_of_coord_map():
    net = translate(text.parse(INPUT + FCN, schema.NetParameter))
    layer = net.layer[-1]
    assert (layer.type, layer.crop_param.axis) == ("Crop", 2)
    data = L.Input(shape=dict(dim=[1, 3, 99, 99]))
    conv = L.Convolution(data, num_output=4, kernel_size=3, pad=40)
    pool = L.Pooling(conv, kernel_size=2, stride=2)
    conv2 = L.Convolution(pool, num_output=4, kernel_size=[3, 5], pad=1, dilation=2)
    up = L.Deconvolution(conv2, convolution_param=dict(num_output=4, kernel_size=4, stride=2))
    other = crop(up, data).fn.params["crop_param"]["offset"]
    assert list(layer.crop_param.offset) == list(other)
    assert len(set(layer.crop_param.offset)) == 2


@pytest.mark.parametrize(
    "change, said",
    [
        (('stride: 2 } }\nlayer { name: "crop', 'stride: 4 } }\nlayer { name: "crop'), "2 x"),
        (("pad: 40", "pad: 0"), "whole pixels from its edge"),
        (('bottom: "up" bottom: "data"', 'bottom: "up"'), "takes 2 bottom blobs, got 1"),
    ],
)
def test_errors(change, said):
    with pytest.raises(ModelError, match="AutoCrop") as caught:
        translate(text.parse(INPUT + FCN.replace(*change), schema.NetParameter))
    assert said in str(caught.value)


def test_bottoms_must_have_a_common_origin():
    other = INPUT.replace('"in"', '"in2"').replace('"data"', '"b"')
    lone = 'layer { name: "crop" type: "AutoCrop" bottom: "data" bottom: "b" top: "crop" }'
    with pytest.raises(ModelError, match="must come from one blob"):
        translate(text.parse(INPUT + other + lone, schema.NetParameter))
