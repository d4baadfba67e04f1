import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.testing import check_layer, make_layer
from tests.forks.segnet.masks import mask, placed
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 3, 4, 5)
LAYER = 'type: "Unpooling" unpooling_param { %s }'
BATCH = spread(3, 2, 4, 3)

INDICES = "places are checked, and written through arrays of indices"

CASES = [
    Case(
        "Unpooling",
        "unpooling_param { kernel_size: 2 stride: 2 unpool_h: 9 unpool_w: 7 }",
        (BATCH, mask(BATCH.shape, 2, (9, 7))),
        allocates=INDICES,
    ),
    *(
        Case(
            "Unpooling",
            f"unpooling_param {{ unpool: {method} kernel_size: 3 stride: 2 unpool_size: 8 }}",
            (BATCH,),
        )
        for method in ("MAX", "AVE", "TILE")
    ),
]
SAMPLES = {"Unpooling": (normal(2, 3, 4, 4), mask((2, 3, 4, 4), 2, (8, 8)))}


def by_loop(x, method, kernel, stride, size):
    y = np.zeros((*x.shape[:2], *size))
    for n, c, h, w in np.ndindex(x.shape):
        top, left = h * stride[0], w * stride[1]
        window = y[n, c, top : top + kernel[0], left : left + kernel[1]]
        if method == "MAX":
            window[0, 0] = x[n, c, h, w]
        else:
            window += x[n, c, h, w] / (window.size if method == "AVE" else 1)
    return y


@pytest.mark.parametrize("method", ["MAX", "AVE", "TILE"])
@pytest.mark.parametrize(
    "param, kernel, stride, size",
    [
        ("kernel_size: 2 stride: 2 unpool_h: 8 unpool_w: 10", (2, 2), (2, 2), (8, 10)),
        ("kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 unpool_size: 7", (3, 2), (2, 1), (7, 7)),
        ("kernel_size: 3 stride: 2 unpool_size: 13", (3, 3), (2, 2), (13, 13)),
    ],
)
def test_without_a_mask(method, param, kernel, stride, size):
    prototxt = LAYER % f"unpool: {method} {param}"
    run = make_layer(prototxt, [X])
    for _ in range(2):
        (y,) = run.forward()
    np.testing.assert_allclose(y, by_loop(X, method, kernel, stride, size), rtol=1e-9)
    check_layer(prototxt, [X])
    check_layer(prototxt, [X[:1]])


def test_pixels_go_where_the_mask_says():
    places = mask(X.shape, 2, (8, 10))
    prototxt = LAYER % "kernel_size: 2 stride: 2 unpool_h: 8 unpool_w: 10"
    (y,) = make_layer(prototxt, [X, places]).forward()
    np.testing.assert_array_equal(y, placed(X, places, (8, 10)))
    check_layer(prototxt, [X, places], propagate_down=[True, False])


def test_it_undoes_the_pooling_that_made_its_mask(tmp_path):
    path = tmp_path / "old.prototxt"
    path.write_text(
        """input: "x" input_dim: 2 input_dim: 3 input_dim: 6 input_dim: 6
           layers { name: "p" type: POOLING bottom: "x" top: "small" top: "mask"
                    pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
           layers { name: "u" type: UNPOOLING bottom: "small" bottom: "mask" top: "y"
                    unpooling_param { unpool: MAX kernel_size: 2 stride: 2 unpool_size: 6 } }"""
    )
    net = Net(str(path))
    x = net.blobs["x"].data
    x[...] = normal(2, 3, 6, 6) + 9
    net.forward()
    y = net.blobs["y"].data
    squares = x.reshape(2, 3, 3, 2, 3, 2)
    largest = (squares == squares.max(axis=(3, 5), keepdims=True)).reshape(x.shape)
    np.testing.assert_array_equal(y, np.where(largest, x, 0))


def test_without_propagate_down_the_gradient_stays():
    prototxt = LAYER % "unpool: AVE kernel_size: 2 stride: 2 unpool_size: 10"
    untouched(make_layer(prototxt, [X]), [normal(2, 3, 10, 10)])


@pytest.mark.parametrize(
    "param, part",
    [
        ("unpool_size: 8", "kernel_size must be given"),
        ("kernel_size: 2", "unpool_size must be given"),
        ("kernel_size: 2 unpool_h: 8", "unpool_h and unpool_w"),
        ("kernel_size: 2 unpool_size: 10 stride: 0", "at least 1"),
        ("kernel_size: 2 unpool_size: 10 pad: 1", "pad must be 0"),
        ("kernel_size: 2 stride: 2 unpool_size: 8", "too small"),
    ],
)
def test_errors(param, part):
    fails(LAYER % param, [X], part)


def test_a_mask_is_for_max_alone():
    prototxt = LAYER % "unpool: TILE kernel_size: 2 stride: 2 unpool_size: 10"
    fails(prototxt, [X, np.zeros_like(X)], "needs unpool: MAX")
