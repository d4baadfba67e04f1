"""Quantized activations and binary weights."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = spread(3, 2, 5, 4, low=-2, high=3)
QUANT = 'type: "Quant" quant_param { %s }'
LEVELS = "centers: 0.5 centers: 1.1 centers: 1.6"
IMAGES = normal(2, 4, 5, 6)
FILLER = 'weight_filler { type: "gaussian" } bias_filler { type: "uniform" }'
CONV = f"""type: "BinaryConvolution" convolution_param {{ num_output: 6 kernel_size: 3 group: 2
           {FILLER} }} binary_convolution_param {{ %s }}"""
PRODUCT = f"""type: "BinaryInnerProduct" inner_product_param {{ num_output: 3 {FILLER} }}
              binary_inner_product_param {{ %s }}"""
PLAIN = "use_binarization: false"

CASES = [
    Case(
        "Quant",
        f"quant_param {{ {LEVELS} clip_thr: 1.6 }}",
        (X,),
        gradient=False,
        own_gradient="that of a rectification",
        allocates="what lies above a threshold",
    ),
    Case(
        "BinaryConvolution",
        f"""convolution_param {{ num_output: 6 kernel_size: 3 {FILLER} }}
            binary_convolution_param {{ use_alpha: true }}""",
        (IMAGES,),
        gradient=False,
        own_gradient="the weights take the gradient of their signs",
    ),
    Case(
        "BinaryInnerProduct",
        f"inner_product_param {{ num_output: 3 {FILLER} }}",
        (spread(3, 4, 2),),
        gradient=False,
        own_gradient="the weights take the gradient of their signs",
    ),
]
SAMPLES = {"Quant": (X,), "BinaryConvolution": (IMAGES,), "BinaryInnerProduct": (IMAGES,)}


def level(x, slope):
    if x <= 0:
        return -slope
    return next(c for c, limit in ((0.5, 0.8), (1.1, 1.35), (1.6, np.inf)) if x <= limit)


@pytest.mark.parametrize(
    "options, function",
    [
        (LEVELS, lambda x: level(x, 0)),
        (LEVELS + " negative_slope: 0.2", lambda x: level(x, 0.2)),
        ('forward_func: "sign"', lambda x: 1 if x >= 0 else -1),
        ('forward_func: "hard_tanh"', lambda x: np.clip(x, -1, 1)),
        ('forward_func: "relu" negative_slope: 0.1', lambda x: x if x > 0 else 0.1 * x),
    ],
)
def test_values(options, function):
    (y,) = make_layer(QUANT % options, [X]).forward()
    np.testing.assert_allclose(y, np.vectorize(function, [float])(X), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "options, slope",
    [
        ("", lambda x: x > 0),
        ("clip_thr: 1.6 negative_slope: 0.1", lambda x: x <= 1.6 if x > 0 else 0.1),
        ('backward_func: "hard_tanh" clip_thr: 1', lambda x: abs(x) <= 1),
        ('backward_func: "hard_tanh"', lambda x: 1),
    ],
)
@pytest.mark.parametrize("in_place", [True, False])
def test_slopes(options, slope, in_place):
    run = make_layer(QUANT % f"{LEVELS} {options}", [X], in_place=in_place)
    run.forward()
    dy = normal(*X.shape)
    (dx,), _ = run.backward([dy])
    np.testing.assert_allclose(dx, dy * np.vectorize(slope, [float])(X), rtol=1e-6)


def signs(weight, alpha):
    binary = np.where(weight >= 0, 1.0, -1.0)
    rows = abs(weight).reshape(len(weight), -1).mean(axis=1) if alpha else np.ones(len(weight))
    return binary * rows.reshape(-1, *[1] * (weight.ndim - 1))


@pytest.mark.parametrize("alpha", [True, False])
@pytest.mark.parametrize(
    "text, x", [(CONV, IMAGES), (CONV, IMAGES[:1]), (PRODUCT, normal(3, 4, 2))]
)
def test_binary_weights(text, x, alpha):
    run = make_layer(text % f"use_alpha: {str(alpha).lower()}", [x])
    weight = run.layer.blobs[0].data
    weight.reshape(-1)[3] = 0
    plain = make_layer(text % PLAIN, [x])
    plain.layer.blobs[0].data[...] = signs(weight, alpha)
    plain.layer.blobs[1].data[...] = run.layer.blobs[1].data
    (y,), (expected,) = run.forward(), plain.forward()
    np.testing.assert_allclose(y, expected, rtol=1e-9)
    dy = normal(*y.shape)
    for mine, theirs in zip(run.backward([dy]), plain.backward([dy]), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("text, x", [(CONV, IMAGES), (PRODUCT, normal(3, 4, 2))])
def test_gradients_without_binarization(text, x):
    check_layer(text % PLAIN, [x])


def test_errors():
    fails('type: "Quant"', [X], "needs centers above 0")
    fails(QUANT % "centers: 1 centers: 0.5", [X], "each above the last")
    fails(QUANT % 'forward_func: "x"', [X], "forward_func must be one of")
    fails(QUANT % (LEVELS + ' backward_func: "x"'), [X], "backward_func must be one of")
    text = 'type: "BinaryInnerProduct" inner_product_param { num_output: 3 transpose: true }'
    fails(text, [X], "does not take transpose")
