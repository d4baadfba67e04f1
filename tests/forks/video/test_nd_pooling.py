import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.video.pool_by_loop import pool
from tests.layer_case import Case, spread
from tests.layers.helpers import distinct, fails

X = distinct(2, 3, 5, 7, 6)
SHAPES = "kernel_shape { dim: 2 dim: 3 dim: 2 } stride_shape { dim: 2 dim: 1 dim: 3 }"
LAYER = 'type: "NdPooling" pooling_param { pool: %s %s }'

CASES = [
    Case("NdPooling", f"pooling_param {{ {SHAPES} }}", (spread(3, 2, 4, 5, 4),)),
    Case("NdPooling", f"pooling_param {{ pool: AVE {SHAPES} }}", (spread(3, 2, 4, 5, 4),)),
]
SAMPLES = {"NdPooling": (X,)}


def dims(name, values):
    return f"{name} {{ {' '.join(f'dim: {value}' for value in values)} }}"


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(
    "kernel, stride, pad",
    [
        ((2, 3, 3), (2, 1, 3), (0, 0, 0)),
        ((3, 3, 3), (2, 2, 2), (1, 1, 1)),
        ((2, 4, 3), (3, 2, 1), (1, 0, 2)),
        ((1, 2, 2), (1, 2, 2), (0, 0, 0)),
    ],
)
def test_values_and_gradients(method, kernel, stride, pad):
    shapes = " ".join(
        dims(f"{name}_shape", values)
        for name, values in (("kernel", kernel), ("stride", stride), ("pad", pad))
    )
    (y,) = make_layer(LAYER % (method, shapes), [X]).forward()
    np.testing.assert_allclose(
        y, pool(X, kernel, stride, pad, method == "AVE"), rtol=1e-9, atol=1e-12
    )
    check_layer(LAYER % (method, shapes), [X])
    check_layer(LAYER % (method, shapes), [X[:1]])


@pytest.mark.parametrize("axes", [1, 2, 4])
def test_other_numbers_of_axes(axes):
    x = distinct(2, 3, *(4, 5, 3, 2)[:axes])
    kernel, stride = (2, 3, 2, 1)[:axes], (1, 2, 1, 1)[:axes]
    for method in ("MAX", "AVE"):
        text = LAYER % (method, dims("kernel_shape", kernel) + dims("stride_shape", stride))
        (y,) = make_layer(text, [x]).forward()
        np.testing.assert_allclose(
            y, pool(x, kernel, stride, (0,) * axes, method == "AVE"), rtol=1e-9, atol=1e-12
        )
        check_layer(text, [x])


def test_global_pooling():
    (y,) = make_layer(LAYER % ("AVE", "global_pooling: true"), [X]).forward()
    np.testing.assert_allclose(y[..., 0, 0, 0], X.mean(axis=(2, 3, 4)), atol=1e-12)
    check_layer(LAYER % ("MAX", "global_pooling: true"), [X])


def test_errors():
    fails(LAYER % ("MAX", ""), [X], "needs kernel_shape, or global_pooling")
    fails(LAYER % ("MAX", SHAPES + " pad_shape { dim: 1 }"), [X], "must have 3 numbers", "(1,)")
    fails(LAYER % ("MAX", SHAPES), [X[:, :, 0]], "needs a bottom of 5 axes")
