import numpy as np
import pytest

from caffe_lite.layers.registry import layer_class
from caffe_lite.testing import check_layer, make_layer
from tests.forks.video.pool_by_loop import pool
from tests.layer_case import Case, spread
from tests.layers.helpers import distinct, fails

X = distinct(2, 3, 5, 7, 6)
LAYER = 'type: "Pooling" pooling_param { pool: %s %s }'
FIELDS = "kernel_size: [1, 2, 2] stride: [1, 2, 2]"

CASES = [Case("Pooling", f"pooling_param {{ {FIELDS} }}", (spread(3, 2, 4, 5, 4),))]
SAMPLES = {"PoolingPerAxis": (X,)}


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(
    "text, kernel, stride, pad",
    [
        (FIELDS, (1, 2, 2), (1, 2, 2), (0, 0, 0)),
        ("kernel_size: 3 stride: [2, 1, 3]", (3, 3, 3), (2, 1, 3), (0, 0, 0)),
        ("kernel_size: [2, 4, 3] stride: 3 pad: [1, 0, 2]", (2, 4, 3), (3, 3, 3), (1, 0, 2)),
        ("kernel_size: 3 kernel_size: 2 kernel_size: 2 pad: 1", (3, 2, 2), (1, 1, 1), (1, 1, 1)),
    ],
)
def test_values_and_gradients(method, text, kernel, stride, pad):
    (y,) = make_layer(LAYER % (method, text), [X]).forward()
    np.testing.assert_allclose(
        y, pool(X, kernel, stride, pad, method == "AVE"), rtol=1e-9, atol=1e-12
    )
    check_layer(LAYER % (method, text), [X])


def test_one_kernel_size_means_caffes_pooling():
    plain = make_layer(LAYER % ("MAX", "kernel_size: [2] stride: 2"), [X[:, :, 0]])
    assert type(plain.layer) is layer_class("Pooling")


def test_errors():
    fails(LAYER % ("MAX", f"{FIELDS} pad: [1, 1]"), [X], "pad must be given once", "2 values")
    fails(LAYER % ("MAX", f"{FIELDS} pad_h: 1"), [X], "takes no pad_h")
    fails(LAYER % ("MAX", FIELDS), [X[:, :, 0]], "once per spatial axis (2), got 3 values")
