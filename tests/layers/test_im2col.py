"""Im2col against picking pixels one by one."""

from itertools import product

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def text(options):
    return f'type: "Im2col" convolution_param {{ {options} }}'


def reference(x, kernel, stride, pad, dilation):
    spatial = x.shape[2:]
    size = [
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, p, d, k, t in zip(spatial, pad, dilation, kernel, stride, strict=True)
    ]
    columns = []
    for c in range(x.shape[1]):
        for tap in product(*map(range, kernel)):
            column = np.zeros((len(x), *size))
            for at in product(*map(range, size)):
                pixel = tuple(
                    a * t - p + k * d
                    for a, t, p, k, d in zip(at, stride, pad, tap, dilation, strict=True)
                )
                if all(0 <= q < s for q, s in zip(pixel, spatial, strict=True)):
                    column[(slice(None), *at)] = x[(slice(None), c, *pixel)]
            columns.append(column)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(
    ("options", "shape", "geometry"),
    [
        ("kernel_size: 3 stride: 2", (2, 3, 7, 5), ((3, 3), (2, 2), (0, 0), (1, 1))),
        (
            "kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 2",
            (1, 2, 4, 5),
            ((2, 3), (1, 1), (1, 2), (1, 1)),
        ),
        (
            "kernel_size: 2 dilation: 2 force_nd_im2col: true",
            (2, 3, 4, 5),
            ((2, 2), (1, 1), (0, 0), (2, 2)),
        ),
        ("kernel_size: 2 pad: 1", (2, 3, 4), ((2,), (1,), (1,), (1,))),
    ],
)
def test_forward_and_gradients(options, shape, geometry):
    x = normal(*shape)
    (y,) = make_layer(text(options), [x]).forward()
    np.testing.assert_array_equal(y, reference(x, *geometry))
    check_layer(text(options), [x])


def test_axis():
    x = normal(2, 2, 3, 4, 3)
    (y,) = make_layer(text("kernel_size: 2 axis: -3"), [x]).forward()
    flat = reference(x.reshape(4, 3, 4, 3), (2, 2), (1, 1), (0, 0), (1, 1))
    np.testing.assert_array_equal(y, flat.reshape(2, 2, 12, 3, 2))


def test_errors_and_no_gradient_below():
    fails(text("kernel_size: 5"), [normal(2, 3, 4, 5)], "does not fit the bottom's (4, 5); make")
    fails(text("kernel_size: 1"), [normal(2, 3)], "at least one axis after the channels")
    fails(text(""), [normal(2, 3, 4, 5)], "kernel_size must be given")
    untouched(make_layer(text("kernel_size: 2"), [normal(2, 3, 4, 5)]), [normal(2, 12, 3, 4)])
