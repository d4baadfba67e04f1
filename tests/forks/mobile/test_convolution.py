import numpy as np
import pytest

from caffe_lite.layers import convolution
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import FILLERS, Case, spread
from tests.layers.helpers import fails, normal, params

X = normal(2, 4, 6, 7)
LAYER = 'type: "%s" convolution_param { num_output: 4 %s ' + FILLERS + " }"

CASES = [
    Case(
        "Convolution",
        f"convolution_param {{ num_output: 2 kernel_size: 3 stride: 2 tf_pad: SAME {FILLERS} }}",
        (spread(3, 2, 4, 5),),
    ),
    Case(
        "Convolution",
        f"convolution_param {{ num_output: 2 kernel_size: 3 tf_pad: SAME {FILLERS} }}",
        (spread(3, 2, 4, 5),),
    ),
]
SAMPLES = {"Convolution": (X,)}


def by_loop(x, weight, bias, stride, dilation, group):
    """TensorFlow's SAME, from its definition."""
    n, c, *sides = x.shape
    made = [-(-side // stride) for side in sides]
    kernel = weight.shape[2:]
    before = []
    for side, count, taps in zip(sides, made, kernel, strict=True):
        needed = (count - 1) * stride + dilation * (taps - 1) + 1
        before.append(max(needed - side, 0) // 2)
    y = np.zeros((n, len(weight), *made))
    inner, outer = c // group, len(weight) // group
    for i, o, p, q in np.ndindex(y.shape):
        y[i, o, p, q] = bias[o]
        for k, s, t in np.ndindex(inner, *kernel):
            row = p * stride - before[0] + s * dilation
            column = q * stride - before[1] + t * dilation
            if 0 <= row < sides[0] and 0 <= column < sides[1]:
                y[i, o, p, q] += weight[o, k, s, t] * x[i, o // outer * inner + k, row, column]
    return y


@pytest.mark.parametrize("kind, group", [("Convolution", 1), ("DepthwiseConvolution", 4)])
@pytest.mark.parametrize(
    "param, stride, dilation",
    [
        ("kernel_size: 3", 1, 1),
        ("kernel_size: 3 stride: 2", 2, 1),
        ("kernel_size: 2", 1, 1),
        ("kernel_h: 4 kernel_w: 3 stride: 3", 3, 1),
        ("kernel_size: 3 stride: 2 dilation: 2", 2, 2),
        ("kernel_size: 1 stride: 3", 3, 1),
    ],
)
def test_same(kind, group, param, stride, dilation):
    prototxt = LAYER % (kind, f"{param} tf_pad: SAME")
    run = make_layer(prototxt, [X])
    weight, bias = params(run)
    for _ in range(2):
        (y,) = run.forward()
    np.testing.assert_allclose(y, by_loop(X, weight, bias, stride, dilation, group), atol=1e-9)
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1, :, :5]])


def test_valid_is_no_padding():
    mine, plain = (
        make_layer(LAYER % ("Convolution", f"kernel_size: 3 stride: 2 {field}"), [X])
        for field in ("tf_pad: VALID", "")
    )
    for blob, values in zip(plain.layer.blobs, params(mine), strict=True):
        blob.data[...] = values
    assert type(plain.layer) is convolution.Convolution is not type(mine.layer)
    np.testing.assert_array_equal(mine.forward()[0], plain.forward()[0])


def test_another_size_has_another_padding():
    run = make_layer(LAYER % ("Convolution", "kernel_size: 3 stride: 2 tf_pad: SAME"), [X])
    weight, bias = params(run)
    for shape in ((2, 4, 5, 5), (1, 4, 8, 7), (2, 4, 6, 7)):
        x = normal(*shape)
        run.bottom[0].reshape(*shape)
        run.bottom[0].data[...] = x
        run.layer.reshape(run.bottom, run.top)
        run.layer.forward(run.bottom, run.top)
        expected = by_loop(x, weight, bias, 2, 1, 1)
        np.testing.assert_allclose(run.top[0].data, expected, atol=1e-9)


def test_errors():
    fails(LAYER % ("Convolution", "kernel_size: 3 pad: 1 tf_pad: SAME"), [X], "tf_pad or pad")
    fails(LAYER % ("Convolution", "kernel_size: 9 tf_pad: VALID"), [X], "does not fit")
