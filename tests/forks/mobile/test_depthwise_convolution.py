import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import FILLERS, Case, spread
from tests.layers.helpers import fails, normal, params

X = normal(2, 3, 6, 5)
LAYER = 'type: "%s" convolution_param { %s ' + FILLERS + " }"
SIZES = "kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0 dilation: 2"

CASES = [
    Case("DepthwiseConvolution", f"convolution_param {{ num_output: 3 {SIZES} {FILLERS} }}", (X,)),
    Case(
        "ConvolutionDepthwise",
        f"convolution_param {{ num_output: 6 kernel_size: 2 {FILLERS} }}",
        (spread(3, 3, 4, 5),),
    ),
    Case(
        "DepthwiseConv",
        "convolution_param { num_output: 4 kernel_size: 2 group: 4 bias_term: false "
        'weight_filler { type: "gaussian" std: 0.7 } }',
        (spread(3, 4, 4, 5),),
    ),
]
SAMPLES = {"DepthwiseConvolution": (X,)}


def by_loop(x, weight, bias, multiple):
    """Kernel 3x2, stride 2, pad 1 and 0, dilation 2."""
    n, c, h, w = x.shape
    padded = np.zeros((n, c, h + 2, w))
    padded[:, :, 1:-1] = x
    y = np.zeros((n, c * multiple, (h + 2 - 5) // 2 + 1, (w - 3) // 2 + 1))
    for i, o, p, q in np.ndindex(y.shape):
        y[i, o, p, q] = bias[o]
        for s, t in np.ndindex(3, 2):
            pixel = padded[i, o // multiple, 2 * p + 2 * s, 2 * q + 2 * t]
            y[i, o, p, q] += weight[o, 0, s, t] * pixel
    return y


@pytest.mark.parametrize("name", ["DepthwiseConvolution", "ConvolutionDepthwise", "DepthwiseConv"])
@pytest.mark.parametrize("multiple", [1, 2])
def test_each_channel_by_itself(name, multiple):
    prototxt = LAYER % (name, f"num_output: {3 * multiple} {SIZES}")
    run = make_layer(prototxt, [X])
    weight, bias = params(run)
    assert weight.shape == (3 * multiple, 1, 3, 2)
    expected = by_loop(X, weight, bias, multiple)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9)
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


def test_a_group_that_is_given_is_used():
    x = normal(2, 4, 3, 5)
    param = "num_output: 6 kernel_size: 2 group: 2"
    mine, conv = (
        make_layer(LAYER % (name, param), [x]) for name in ("DepthwiseConvolution", "Convolution")
    )
    for blob, array in zip(conv.layer.blobs, params(mine), strict=True):
        blob.data[...] = array
    np.testing.assert_array_equal(mine.forward()[0], conv.forward()[0])


def test_the_relu_behind_it_runs_in_the_same_pass():
    net = Net(
        text.parse(
            """layer { name: "x" type: "Input" top: "x"
                       input_param { shape { dim: 2 dim: 3 dim: 6 dim: 5 } } }
               layer { name: "c" type: "DepthwiseConvolution" bottom: "x" top: "y"
                       convolution_param { num_output: 3 kernel_size: 3
                                           weight_filler { type: "msra" } } }
               layer { name: "r" type: "ReLU" bottom: "y" top: "y" }""",
            schema.NetParameter,
        )
    )
    assert net.layers[1].takes_rectifier
    net.blobs["x"].data[...] = X
    net.forward()
    rectified = net.blobs["y"].data.copy()
    net.forward(end=1)
    np.testing.assert_allclose(rectified, np.maximum(net.blobs["y"].data, 0), atol=1e-6)
    assert (rectified == 0).any() and (rectified > 0).any()


def test_errors():
    fails(LAYER % ("DepthwiseConv", "num_output: 4 kernel_size: 2"), [X], "num_output (4)", "(3)")
