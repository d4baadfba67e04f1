import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.forks.video.test_convolution3d import by_loop
from tests.layer_case import FILLERS, Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 4, 4, 5, 6)
SHAPES = """kernel_shape { dim: 2 dim: 3 dim: 1 } stride_shape { dim: 1 dim: 2 dim: 3 }
    pad_shape { dim: 1 dim: 0 dim: 2 }"""
LAYER = f'type: "NdConvolution" convolution_param {{ num_output: 6 {FILLERS} %s }}'

CASES = [
    Case(
        "NdConvolution",
        f"convolution_param {{ num_output: 4 {FILLERS} {SHAPES} }}",
        (spread(3, 2, 4, 5, 4),),
        allocates="convolves over three axes by the reference implementation",
    )
]
SAMPLES = {"NdConvolution": (X,)}


def test_values_and_gradients():
    run = make_layer(LAYER % SHAPES, [X])
    weight, bias = (blob.data.copy() for blob in run.layer.blobs)
    assert weight.shape == (6, 4, 2, 3, 1) and bias.shape == (6,)
    expected = by_loop(X, weight, bias, (1, 2, 3), (1, 0, 2))
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9, atol=1e-12)
    check_layer(LAYER % SHAPES, [X])
    check_layer(LAYER % f"{SHAPES} group: 2", [X[:1]])


def test_defaults_are_a_stride_of_1_and_no_padding():
    run = make_layer(LAYER % "kernel_shape { dim: 2 dim: 2 dim: 3 }", [X])
    assert run.top[0].shape == (2, 6, 3, 4, 4)


def test_errors():
    fails(LAYER % "", [X], "needs kernel_shape")
    fails(
        LAYER % "kernel_shape { dim: 2 dim: 2 dim: 1 } pad_shape { dim: 1 }",
        [X],
        "pad_shape must have 3 numbers",
    )
    fails(LAYER % "kernel_shape { dim: 2 dim: 2 }", [X], "once per spatial axis (3), got 2")
