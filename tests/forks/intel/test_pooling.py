import numpy as np
import pytest

from caffe_lite.layers import pooling
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import distinct, normal, untouched

X = normal(2, 3, 7, 6)
LAYER = 'type: "Pooling" pooling_param { pool: AVE avg_include_pad: %s %s }'
SIZES = [
    ("kernel_size: 3 stride: 2 pad: 1", (3, 3), 2, 1),
    ("kernel_h: 4 kernel_w: 2 stride: 3 pad_h: 2 pad_w: 1", (4, 2), 3, (2, 1)),
    ("kernel_size: 2 stride: 1", (2, 2), 1, 0),
]

CASES = [
    Case(
        "Pooling",
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 avg_include_pad: false }",
        (spread(3, 2, 6, 5),),
    ),
]
SAMPLES = {"Pooling": (X,)}


@pytest.mark.parametrize("param, kernel, stride, pad", SIZES)
def test_averages_of_pixels_in_the_image(param, kernel, stride, pad):
    prototxt = LAYER % ("false", param)
    (y,) = make_layer(prototxt, [X]).forward()
    pad = pad if isinstance(pad, tuple) else (pad, pad)
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride - pad[0], j * stride - pad[1]
        window = X[n, c, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
        assert y[n, c, i, j] == pytest.approx(window.mean())
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


@pytest.mark.parametrize("method, include", [("AVE", "true"), ("MAX", "true"), ("MAX", "false")])
def test_otherwise_it_is_caffes(method, include):
    x = distinct(2, 3, 7, 6)
    param = f"kernel_size: 3 stride: 2 pad: 1 pool: {method}"
    mine = make_layer(
        f'type: "Pooling" pooling_param {{ {param} avg_include_pad: {include} }}', [x]
    )
    caffes = make_layer(f'type: "Pooling" pooling_param {{ {param} }}', [x])
    assert type(caffes.layer) is pooling.Pooling is not type(mine.layer)
    np.testing.assert_array_equal(mine.forward()[0], caffes.forward()[0])
    dy = normal(*mine.top[0].shape)
    np.testing.assert_array_equal(mine.backward([dy])[0][0], caffes.backward([dy])[0][0])


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % ("false", SIZES[0][0]), [X]), [normal(2, 3, 4, 4)])
