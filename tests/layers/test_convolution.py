"""Convolution against its sum written out pixel by pixel."""

from itertools import product

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import FILLED, fails, normal, params, untouched


def text(options, outputs=6):
    return f'type: "Convolution" convolution_param {{ num_output: {outputs} {FILLED} {options} }}'


def reference(x, weight, bias, stride, pad, dilation, group):
    kernel = weight.shape[2:]
    spatial = x.shape[2:]
    size = [
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, p, d, k, t in zip(spatial, pad, dilation, kernel, stride, strict=True)
    ]
    y = np.zeros((len(x), len(weight), *size))
    for n, o in product(range(len(x)), range(len(weight))):
        first = o // (len(weight) // group) * weight.shape[1]
        for at in product(*map(range, size)):
            total = bias[o] if bias is not None else 0
            for tap in product(*map(range, kernel)):
                pixel = tuple(
                    a * t - p + k * d
                    for a, t, p, k, d in zip(at, stride, pad, tap, dilation, strict=True)
                )
                if all(0 <= q < s for q, s in zip(pixel, spatial, strict=True)):
                    for c in range(weight.shape[1]):
                        total += weight[(o, c, *tap)] * x[(n, first + c, *pixel)]
            y[(n, o, *at)] = total
    return y


CASES = {
    "plain": ("kernel_size: 3", (2, 3, 6, 5), (1, 1), (0, 0), (1, 1), 1),
    "batch 1": ("kernel_size: 2 stride: 2", (1, 3, 7, 5), (2, 2), (0, 0), (1, 1), 1),
    "pad": ("kernel_size: 3 stride: 2 pad: 1", (2, 3, 6, 5), (2, 2), (1, 1), (1, 1), 1),
    "pad beyond the kernel": ("kernel_size: 2 pad: 3", (1, 2, 2, 3), (1, 1), (3, 3), (1, 1), 1),
    "dilation": ("kernel_size: 2 dilation: 3 pad: 1", (2, 2, 6, 5), (1, 1), (1, 1), (3, 3), 1),
    "group": ("kernel_size: 3 group: 2", (2, 4, 4, 5), (1, 1), (0, 0), (1, 1), 2),
    "each channel": ("kernel_size: 2 group: 3", (2, 3, 4, 3), (1, 1), (0, 0), (1, 1), 3),
    "h and w": (
        "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 2 pad_w: 1",
        (2, 3, 4, 6),
        (1, 2),
        (2, 1),
        (1, 1),
        1,
    ),
    "per axis": (
        "kernel_size: 3 kernel_size: 1 stride: 2 stride: 3 pad: 1 pad: 0 dilation: 2 dilation: 1",
        (2, 3, 7, 8),
        (2, 3),
        (1, 0),
        (2, 1),
        1,
    ),
    "1 x 1": ("kernel_size: 1 bias_term: false", (2, 3, 4, 5), (1, 1), (0, 0), (1, 1), 1),
    "1 axis": ("kernel_size: 3 stride: 2 pad: 1", (2, 3, 8), (2,), (1,), (1,), 1),
    "3 axes": ("kernel_size: 2 pad: 1 stride: 2", (1, 2, 3, 4, 5), (2,) * 3, (1,) * 3, (1,) * 3, 1),
    "no axis": ("kernel_size: 1", (3, 4), (), (), (), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_forward_and_gradients(name):
    options, shape, stride, pad, dilation, group = CASES[name]
    x = normal(*shape)
    run = make_layer(text(options), [x])
    weight, *bias = params(run)
    assert weight.shape[:2] == (6, shape[1] // group)
    if name == "no axis":
        expected = x @ weight.T + bias[0]
    else:
        expected = reference(x, weight, bias[0] if bias else None, stride, pad, dilation, group)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-9, atol=1e-12)
    check_layer(text(options), [x])


def test_every_bottom_adds_to_the_weights():
    options = text("kernel_size: 2", outputs=2)
    bottoms = [normal(2, 3, 4, 3), normal(2, 3, 4, 3)]
    run = make_layer(options, bottoms, tops=2)
    weight, bias = params(run)
    for x, y in zip(bottoms, run.forward(), strict=True):
        np.testing.assert_allclose(
            y, reference(x, weight, bias, (1, 1), (0, 0), (1, 1), 1), rtol=1e-9, atol=1e-12
        )
    check_layer(options, bottoms, tops=2)
    untouched(run, [normal(2, 2, 3, 2), normal(2, 2, 3, 2)])


def test_axis_counts_batches_before_the_channels():
    options = text("kernel_size: 2 axis: 2 force_nd_im2col: true engine: CUDNN")
    x = normal(2, 3, 4, 5, 3)
    run = make_layer(options, [x])
    weight, bias = params(run)
    (y,) = run.forward()
    assert y.shape == (2, 3, 6, 4, 2)
    flat = reference(x.reshape(6, 4, 5, 3), weight, bias, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(y, flat.reshape(y.shape), rtol=1e-9, atol=1e-12)
    check_layer(options, [x])


def test_errors():
    x = normal(2, 3, 5, 4)
    fails(text(""), [x], "kernel_size must be given once, or once per spatial axis (2)")
    fails(text("kernel_size: 0"), [x], "kernel_size must be at least 1")
    fails(text("kernel_size: 3 stride: 0"), [x], "stride must be at least 1")
    fails(text("kernel_size: 3 kernel_h: 2 kernel_w: 2"), [x], "kernel_size or kernel_h", "not")
    fails(text("kernel_h: 2"), [x], "kernel_size must be at least 1, got 0")
    fails(text("kernel_h: 2 kernel_w: 1"), [normal(2, 3, 5)], "need 2 spatial axes")
    fails(text("kernel_size: 3 pad: 1 pad: 1 pad: 1"), [x], "pad must be given once", "3 values")
    fails(text("kernel_size: 7"), [x], "kernel (7, 7) does not fit the bottom's (5, 4)", "smaller")
    fails(text("kernel_size: 7 pad: 1"), [x], "does not fit the bottom's (5, 4) with pad (1, 1)")
    fails(text("kernel_size: 1 group: 2"), [x], "channels (3) must be a multiple of group (2)")
    fails(text("kernel_size: 1 group: 3", outputs=4), [x], "num_output (4) must be a multiple")
    fails(text("kernel_size: 1 group: 0"), [x], "group must be at least 1")
    fails('type: "Convolution" convolution_param { kernel_size: 1 }', [x], "num_output")
    fails(text("kernel_size: 1 axis: 4"), [x], "axis must be in [-4, 3]")
    fails(text("kernel_size: 1"), [x, x], "one top per bottom", "2 bottoms and 1 tops")
    fails(text("kernel_size: 1"), [x, normal(1, 3, 5, 4)], "bottom[1] (1, 3, 5, 4)", tops=2)
    fails(text("kernel_size: 1"), [np.zeros((0, 3, 5, 4))], "at least one element")
    run = make_layer(text("kernel_size: 1"), [x])
    run.bottom[0].reshape(2, 4, 5, 4)
    with pytest.raises(Exception, match="3 channels on axis 1"):
        run.reshape()
