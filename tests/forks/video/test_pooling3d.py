import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.video.pool_by_loop import pool
from tests.layer_case import Case, spread
from tests.layers.helpers import distinct, fails, untouched

X = distinct(2, 3, 5, 7, 6)
FIELDS = "kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2"
LAYER = 'type: "Pooling3D" pooling3d_param { pool: %s %s }'

CASES = [
    Case("Pooling3D", f"pooling3d_param {{ {FIELDS} }}", (spread(3, 2, 4, 5, 4),)),
    Case("Pooling3D", f"pooling_param {{ pool: AVE pad: 1 {FIELDS} }}", (spread(3, 2, 4, 5, 4),)),
]
SAMPLES = {"Pooling3D": (X,)}


@pytest.mark.parametrize("method, pad", [("MAX", 0), ("AVE", 0), ("AVE", 1), ("AVE", 2)])
@pytest.mark.parametrize("depth, time", [(2, 2), (1, 1), (3, 1), (5, 4)])
def test_values_and_gradients(method, pad, depth, time):
    fields = f"kernel_size: 3 kernel_depth: {depth} stride: 2 temporal_stride: {time} pad: {pad}"
    text = LAYER % (method, fields)
    (y,) = make_layer(text, [X]).forward()
    expected = pool(X, (depth, 3, 3), (time, 2, 2), (0, pad, pad), method == "AVE", keep_last=True)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
    check_layer(text, [X])
    check_layer(text, [X[:1]])


def test_a_last_window_in_the_padding_is_kept_as_in_c3d():
    x = distinct(1, 2, 2, 4, 4)
    (y,) = make_layer(
        LAYER % ("AVE", "kernel_size: 2 kernel_depth: 1 stride: 3 pad: 1"), [x]
    ).forward()
    assert y.shape == (1, 2, 2, 3, 3)
    (y,) = make_layer(
        LAYER % ("AVE", "kernel_size: 3 kernel_depth: 1 stride: 4 pad: 2"), [x]
    ).forward()
    assert y.shape == (1, 2, 2, 3, 3)


def test_fields_of_c3d_1_0():
    new, old = (
        make_layer(f'type: "Pooling3D" {name} {{ {FIELDS} }}', [X]).forward()[0]
        for name in ("pooling3d_param", "pooling_param")
    )
    np.testing.assert_array_equal(new, old)


def test_of_equal_maxima_the_first_takes_the_gradient():
    run = make_layer(LAYER % ("MAX", "kernel_size: 2 kernel_depth: 2"), [np.ones((1, 1, 2, 2, 2))])
    run.forward()
    (dx,), _ = run.backward([np.full((1, 1, 1, 1, 1), 3.0)])
    expected = np.zeros((1, 1, 2, 2, 2))
    expected[0, 0, 0, 0, 0] = 3
    np.testing.assert_array_equal(dx, expected)


def test_without_propagate_down_the_gradient_stays():
    run = make_layer(LAYER % ("MAX", FIELDS), [X])
    untouched(run, [np.ones(run.top[0].shape)])


def test_errors():
    fails(LAYER % ("MAX", "kernel_size: 2"), [X], "needs kernel_depth")
    fails(LAYER % ("MAX", f"{FIELDS} pad: 1"), [X], "pad is for AVE alone, got pad: 1")
    fails(LAYER % ("AVE", f"{FIELDS} pad: 3"), [X], "pad must be smaller than the kernel")
    fails(LAYER % ("STOCHASTIC", FIELDS), [X], "pool must be MAX or AVE")
    fails(LAYER % ("MAX", FIELDS), [X[0]], "5 axes (N, C, ...)", "(3, 5, 7, 6)")
    fails(LAYER % ("MAX", "kernel_size: 9 kernel_depth: 1"), [X], "does not fit")
    fails(LAYER % ("MAX", "kernel_size: 1 kernel_depth: 1 stride: 0"), [X], "must be at least 1")
