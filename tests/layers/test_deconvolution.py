"""Deconvolution against adding kernels pixel by pixel."""

from itertools import product

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import FILLED, fails, normal, params, untouched


def text(options, outputs=4):
    return f'type: "Deconvolution" convolution_param {{ num_output: {outputs} {FILLED} {options} }}'


def reference(x, weight, bias, stride, pad, dilation, group, outputs):
    kernel = weight.shape[2:]
    size = [
        t * (s - 1) + d * (k - 1) + 1 - 2 * p
        for t, s, d, k, p in zip(stride, x.shape[2:], dilation, kernel, pad, strict=True)
    ]
    y = np.zeros((len(x), outputs, *size))
    for n, c in product(range(len(x)), range(x.shape[1])):
        first = c // (x.shape[1] // group) * weight.shape[1]
        for at in product(*map(range, x.shape[2:])):
            for tap in product(*map(range, kernel)):
                pixel = tuple(
                    a * t - p + k * d
                    for a, t, p, k, d in zip(at, stride, pad, tap, dilation, strict=True)
                )
                if all(0 <= q < s for q, s in zip(pixel, size, strict=True)):
                    for o in range(weight.shape[1]):
                        y[(n, first + o, *pixel)] += weight[(c, o, *tap)] * x[(n, c, *at)]
    if bias is not None:
        y += bias.reshape((-1,) + (1,) * len(size))
    return y


CASES = {
    "plain": ("kernel_size: 3", (2, 3, 4, 5), (1, 1), (0, 0), (1, 1), 1),
    "batch 1": ("kernel_size: 2 bias_term: false", (1, 3, 4, 2), (1, 1), (0, 0), (1, 1), 1),
    "upsampling": ("kernel_size: 4 stride: 2 pad: 1", (2, 3, 3, 4), (2, 2), (1, 1), (1, 1), 1),
    "gaps": ("kernel_size: 2 stride: 3", (2, 3, 3, 2), (3, 3), (0, 0), (1, 1), 1),
    "dilation": ("kernel_size: 2 dilation: 2 stride: 2", (2, 3, 3, 4), (2, 2), (0, 0), (2, 2), 1),
    "group": ("kernel_size: 3 pad: 1 group: 2", (2, 6, 3, 4), (1, 1), (1, 1), (1, 1), 2),
    "h and w": (
        "kernel_h: 1 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1",
        (2, 3, 3, 4),
        (2, 1),
        (0, 1),
        (1, 1),
        1,
    ),
    "1 axis": ("kernel_size: 3 stride: 2", (2, 3, 4), (2,), (0,), (1,), 1),
    "3 axes": ("kernel_size: 2 stride: 2", (1, 2, 2, 3, 2), (2,) * 3, (0,) * 3, (1,) * 3, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_forward_and_gradients(name):
    options, shape, stride, pad, dilation, group = CASES[name]
    x = normal(*shape)
    run = make_layer(text(options), [x])
    weight, *bias = params(run)
    assert weight.shape[:2] == (shape[1], 4 // group)
    expected = reference(x, weight, bias[0] if bias else None, stride, pad, dilation, group, 4)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9, atol=1e-12)
    check_layer(text(options), [x])


def test_bilinear_weights_interpolate():
    options = (
        'type: "Deconvolution" convolution_param { num_output: 2 group: 2 kernel_size: 4 '
        'stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" } }'
    )
    ramp = np.arange(6.0) + np.zeros((1, 2, 5, 6))
    (y,) = make_layer(options, [ramp]).forward()
    inner = y[0, 1, 2:-2, 2:-2]
    np.testing.assert_allclose(inner, np.tile(np.arange(2, 10) / 2 - 0.25, (6, 1)), rtol=1e-10)


def test_errors_and_no_gradient_below():
    fails(
        text("kernel_size: 2 pad: 3"),
        [normal(1, 3, 4, 3)],
        "shape (-1, -2): pad (3, 3) takes",
    )
    fails(text("kernel_size: 2 group: 3"), [normal(1, 3, 4, 3)], "num_output (4)")
    untouched(make_layer(text("kernel_size: 2"), [normal(2, 3, 4, 3)]), [normal(2, 4, 5, 4)])
