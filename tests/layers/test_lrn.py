"""LRN against windows written out."""

from itertools import product

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def text(options):
    return f'type: "LRN" lrn_param {{ {options} }}'


def across(x, size, alpha, beta, k):
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        window = range(max(0, c - size // 2), min(x.shape[1], c + size // 2 + 1))
        total = sum(x[:, d] ** 2 for d in window)
        y[:, c] = x[:, c] * (k + alpha / size * total) ** -beta
    return y


def within(x, size, alpha, beta):
    y, half = np.zeros_like(x), size // 2
    rows, columns = x.shape[2:]
    for h, w in product(range(rows), range(columns)):
        area = x[:, :, max(0, h - half) : h + half + 1, max(0, w - half) : w + half + 1] ** 2
        mean = area.sum(axis=(2, 3)) / size**2
        y[:, :, h, w] = x[:, :, h, w] * (1 + alpha * mean) ** -beta
    return y


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("local_size: 5 alpha: 2 beta: 0.75 k: 1", (5, 2, 0.75, 1)),
        ("local_size: 3 alpha: 1.5 beta: 0.5 k: 2", (3, 1.5, 0.5, 2)),
        ("local_size: 1 alpha: 1 beta: 2 k: 0.5 engine: CAFFE", (1, 1, 2, 0.5)),
        ("local_size: 9 alpha: 3", (9, 3, 0.75, 1)),
        ("local_size: 13 alpha: 5", (13, 5, 0.75, 1)),
        ("local_size: 21 alpha: 9", (21, 9, 0.75, 1)),
        ("local_size: 2147483647 alpha: 3e9", (2147483647, 3e9, 0.75, 1)),
    ],
)
def test_across_channels(options, values, batch):
    x = normal(batch, 7, 2, 3)
    np.testing.assert_allclose(
        make_layer(text(options), [x]).forward()[0], across(x, *values), rtol=1e-9
    )
    check_layer(text(options), [x])


@pytest.mark.parametrize(
    ("size", "alpha", "beta"),
    [(3, 2, 0.75), (5, 1.5, 1.2), (1, 1, 0.5), (9, 20, 0.75), (99, 2e3, 0.5), (2**31 - 1, 1e18, 1)],
)
def test_within_channel(size, alpha, beta):
    x = normal(2, 3, 5, 4)
    options = f"norm_region: WITHIN_CHANNEL local_size: {size} alpha: {alpha} beta: {beta} k: 9"
    np.testing.assert_allclose(
        make_layer(text(options), [x]).forward()[0], within(x, size, alpha, beta), rtol=1e-6
    )
    check_layer(text(options), [x])


def test_errors_and_no_gradient_below():
    x = normal(2, 3, 4, 5)
    fails(text("local_size: 4"), [x], "local_size must be odd, got 4")
    fails(text(""), [normal(2, 3)], "4 axes", "(2, 3)")
    fails(text("norm_region: WITHIN_CHANNEL"), [np.zeros((1, 2, 0, 3))], "at least one element")
    untouched(make_layer(text(""), [x]), [x])
