"""Pooling against windows walked pixel by pixel."""

from itertools import product
from math import ceil, floor

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import distinct, fails, normal, untouched


def text(options):
    return f'type: "Pooling" pooling_param {{ {options} }}'


def output(size, kernel, stride, pad, rounding, clip):
    made = rounding((size + 2 * pad - kernel) / stride) + 1
    return made - 1 if clip and (made - 1) * stride >= size + pad else made


def windows(shape, kernel, stride, pad, rounding):
    """For every output pixel: its place, the image's pixels in its window, the window's size."""
    clip = any(pad)
    made = [output(shape[2 + i], kernel[i], stride[i], pad[i], rounding, clip) for i in (0, 1)]
    for place in product(*map(range, made)):
        inside, size = [], 1
        for i in (0, 1):
            begin = place[i] * stride[i] - pad[i]
            end = min(begin + kernel[i], shape[2 + i] + pad[i])
            size *= end - begin
            inside.append(range(max(begin, 0), min(end, shape[2 + i])))
        yield place, list(product(*inside)), size


def reference(x, method, kernel, stride, pad, rounding=ceil):
    found = list(windows(x.shape, kernel, stride, pad, rounding))
    made = tuple(max(place[i] for place, *_ in found) + 1 for i in (0, 1))
    y, mask = np.zeros((*x.shape[:2], *made)), np.zeros((*x.shape[:2], *made))
    for n, c in product(*map(range, x.shape[:2])):
        for place, pixels, size in found:
            values = [x[(n, c, *pixel)] for pixel in pixels]
            best = pixels[int(np.argmax(values))]
            mask[(n, c, *place)] = best[0] * x.shape[3] + best[1]
            y[(n, c, *place)] = max(values) if method == "MAX" else sum(values) / size
    return y, mask


CASES = {
    "plain": ("kernel_size: 2 stride: 2", (2, 3, 6, 4), (2, 2), (2, 2), (0, 0), ceil),
    "batch 1": ("kernel_size: 3", (1, 2, 5, 4), (3, 3), (1, 1), (0, 0), ceil),
    "ceil": ("kernel_size: 3 stride: 2", (2, 3, 6, 8), (3, 3), (2, 2), (0, 0), ceil),
    "floor": (
        "kernel_size: 3 stride: 2 round_mode: FLOOR",
        (2, 3, 6, 8),
        (3, 3),
        (2, 2),
        (0, 0),
        floor,
    ),
    "pad": ("kernel_size: 3 stride: 2 pad: 1", (2, 3, 6, 5), (3, 3), (2, 2), (1, 1), ceil),
    "clipped": ("kernel_size: 2 stride: 3 pad: 1", (2, 1, 4, 7), (2, 2), (3, 3), (1, 1), ceil),
    "h and w": (
        "kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 3 pad_h: 1 pad_w: 2",
        (2, 3, 5, 6),
        (2, 4),
        (1, 3),
        (1, 2),
        ceil,
    ),
    "global": ("global_pooling: true", (2, 3, 4, 5), (4, 5), (1, 1), (0, 0), ceil),
}


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("name", CASES)
def test_forward_and_gradients(name, method):
    options, shape, *geometry = CASES[name]
    x = distinct(*shape)
    prototxt = text(f"pool: {method} {options}")
    (y,) = make_layer(prototxt, [x]).forward()
    np.testing.assert_allclose(y, reference(x, method, *geometry)[0], rtol=1e-10, atol=1e-12)
    check_layer(prototxt, [x])


def test_mask_names_the_first_maximum():
    x = distinct(2, 3, 5, 6)
    run = make_layer(text("kernel_size: 3 stride: 2"), [x], tops=2)
    y, mask = run.forward()
    np.testing.assert_array_equal(mask, reference(x, "MAX", (3, 3), (2, 2), (0, 0))[1])
    (dx,), _ = run.backward([np.ones(y.shape), np.full(y.shape, np.nan)])
    assert dx.sum() == y.size
    tie = np.zeros((1, 1, 2, 2))
    assert make_layer(text("kernel_size: 2"), [tie], tops=2).forward()[1] == 0


def test_overlapping_windows_add_up():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    run = make_layer(text("kernel_size: 2"), [x])
    run.forward()
    (dx,), _ = run.backward([np.array([[[[1.0, 2], [3, 4]]]])])
    assert dx[0, 0, 1, 1] == dx.sum() == 10


def test_windows_beyond_the_image_are_empty():
    """Without padding the last window may begin outside; Caffe's maximum of nothing is -FLT_MAX."""
    x = normal(1, 2, 5, 4)
    run = make_layer(text("kernel_size: 1 stride: 3"), [x])
    (y,) = run.forward()
    assert y.shape == (1, 2, 3, 2)
    np.testing.assert_array_equal(y[:, :, 2], -np.finfo(np.float32).max)
    np.testing.assert_array_equal(y[:, :, :2], x[:, :, ::3, ::3])
    (dx,), _ = run.backward([np.ones(y.shape)])
    assert dx.sum() == 8
    (average,) = make_layer(text("pool: AVE kernel_size: 1 stride: 3"), [x]).forward()
    assert not average[:, :, 2].any()


@pytest.mark.parametrize("method", ["MAX", "AVE", "STOCHASTIC"])
def test_any_stride_beyond_the_image_is_as_one_just_beyond_it(method):
    x = distinct(2, 1, 5, 4) + 50
    (y,) = make_layer(text(f"pool: {method} kernel_size: 2 stride: 5"), [x], phase="TEST").forward()
    (far,) = make_layer(
        text(f"pool: {method} kernel_size: 2 stride: 2147483647"), [x], phase="TEST"
    ).forward()
    assert y.shape == (2, 1, 2, 2)
    np.testing.assert_array_equal(far, y)


def test_stochastic_draws_in_proportion():
    x = np.array([0.5, 1, 1.5, 2]).reshape(1, 1, 2, 2) * np.ones((400, 5, 1, 1))
    run = make_layer(text("pool: STOCHASTIC kernel_size: 2"), [x])
    (y,) = run.forward()
    drawn = {value: (y == value).mean() for value in x[0, 0].ravel()}
    assert sum(drawn.values()) == 1
    for value, share in drawn.items():
        assert abs(share - value / 5) < 0.04
    (dx,), _ = run.backward([np.ones(y.shape)])
    np.testing.assert_array_equal(dx, x == y)
    assert (run.forward()[0] != y).any()


def test_stochastic_gradient_and_test_phase():
    x = np.abs(distinct(2, 3, 5, 4)) + 0.1
    prototxt = text("pool: STOCHASTIC kernel_size: 2 stride: 2")
    check_layer(prototxt, [x])
    run = make_layer(prototxt, [x], phase="TEST")
    (y,) = run.forward()
    expected = np.zeros(y.shape)
    for place, pixels, _ in windows(x.shape, (2, 2), (2, 2), (0, 0), ceil):
        part = np.stack([x[:, :, h, w] for h, w in pixels])
        expected[:, :, place[0], place[1]] = (part**2).sum(axis=0) / part.sum(axis=0)
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    with pytest.raises(Exception, match="no backward pass in the TEST phase"):
        run.backward([y])


def test_global_pooling_follows_the_bottom():
    run = make_layer(text("pool: AVE global_pooling: true"), [normal(2, 3, 4, 5)])
    run.bottom[0].reshape(1, 3, 2, 3)
    run.bottom[0].data[...] = x = normal(1, 3, 2, 3)
    run.reshape()
    np.testing.assert_allclose(run.forward()[0], x.mean(axis=(2, 3), keepdims=True), rtol=1e-10)


def test_errors():
    x = normal(2, 3, 5, 4)
    fails(text(""), [x], "give kernel_size")
    fails(text("kernel_size: 0"), [x], "kernel must be at least 1")
    fails(text("kernel_h: 2"), [x], "both kernel_h and kernel_w")
    fails(text("kernel_size: 2 kernel_h: 2 kernel_w: 2"), [x], "give kernel_size, or both")
    fails(text("kernel_size: 2 stride: 0"), [x], "stride must be at least 1")
    fails(text("kernel_size: 2 pad: 2"), [x], "pad must be smaller than the kernel")
    fails(text("kernel_size: 2 pad: 1 pool: STOCHASTIC"), [x], "takes no padding")
    fails(text("global_pooling: true kernel_size: 2"), [x], "drop kernel_size")
    fails(text("global_pooling: true stride: 2"), [x], "pad 0 and stride 1")
    fails(text("kernel_size: 9"), [x], "does not fit the bottom's (5, 4); make")
    fails(text("kernel_size: 2"), [normal(2, 3, 4)], "4 axes (N, C, H, W)", "(2, 3, 4)")
    fails(text("kernel_size: 2 pool: AVE"), [x], "needs MAX pooling", tops=2)
    fails(text("kernel_size: 2"), [np.zeros((1, 0, 4, 4))], "at least one element")
    untouched(make_layer(text("kernel_size: 2"), [x]), [normal(2, 3, 4, 3)])
