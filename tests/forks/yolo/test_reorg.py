import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 12, 4, 6)
LAYER = 'type: "Reorg" reorg_param { stride: %d reverse: %s }'

CASES = [
    Case("Reorg", "reorg_param { stride: 2 }", (spread(3, 4, 2, 4),)),
    Case("Reorg", "reorg_param { stride: 2 reverse: true }", (spread(3, 8, 3, 2),)),
]
SAMPLES = {"Reorg": (X,)}


def by_loop(x, stride, reverse):
    """Darknet's loop over flat memory."""
    n, c, h, w = x.shape
    inner = c // stride**2
    source, target = x.reshape(n, -1), np.empty((n, x[0].size))
    for k, j, i in np.ndindex(c, h, w):
        plane = i + w * (j + h * k)
        column = i * stride + k // inner % stride
        row = j * stride + k // inner // stride
        pixel = column + w * stride * (row + h * stride * (k % inner))
        if reverse:
            target[:, pixel] = source[:, plane]
        else:
            target[:, plane] = source[:, pixel]
    if reverse:
        return target.reshape(n, inner, h * stride, w * stride)
    return target.reshape(n, c * stride**2, h // stride, w // stride)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("reverse", ["false", "true"])
def test_places(stride, reverse):
    prototxt = LAYER % (stride, reverse)
    (y,) = make_layer(prototxt, [X]).forward()
    np.testing.assert_array_equal(y, by_loop(X, stride, reverse == "true"))
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


def test_a_stride_of_three():
    x = normal(2, 18, 6, 3)
    (y,) = make_layer(LAYER % (3, "false"), [x]).forward()
    np.testing.assert_array_equal(y, by_loop(x, 3, False))


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % (2, "false"), [X]), [normal(2, 48, 2, 3)])


@pytest.mark.parametrize(
    "param, shape, part",
    [
        ("reorg_param { stride: 0 }", (1, 4, 2, 2), "at least 1"),
        ("reorg_param { stride: 2 }", (1, 6, 2, 2), "divided by 4, height and width by 2"),
        ("reorg_param { stride: 2 }", (1, 4, 3, 2), "(1, 4, 3, 2)"),
        ("reorg_param { stride: 2 reverse: true }", (1, 6, 3, 3), "divided by 4, got"),
        ("reorg_param { stride: 2 }", (4, 4), "4 axes"),
    ],
)
def test_errors(param, shape, part):
    fails(f'type: "Reorg" {param}', [normal(*shape)], part)


def test_the_stride_is_2_unless_another_is_given():
    x = spread(1, 4, 2, 6)
    (given,) = make_layer('type: "Reorg" reorg_param { stride: 2 }', [x]).forward()
    np.testing.assert_array_equal(make_layer('type: "Reorg"', [x]).forward()[0], given)
