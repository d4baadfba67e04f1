import math

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, normal, spread
from tests.layers.helpers import distinct, fails, untouched

X = distinct(2, 3, 6, 7)
# (image, x1, y1, x2, y2) in pixels of an image four times as large.
REGIONS = np.array(
    [(0, 0, 0, 26, 22), (1, 5, 3, 21, 17), (1, 9, 9, 9, 9), (0, -30, 11, 60, 90)], float
)
LAYER = 'type: "ROIPooling" roi_pooling_param { %s }'
SIZE = "pooled_h: 2 pooled_w: 3 spatial_scale: 0.25"

CASES = [
    Case(
        "ROIPooling",
        f"roi_pooling_param {{ {SIZE} }}",
        (spread(2, 3, 6, 7), REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="the CPU pools window by window",
    ),
    Case(
        "ROIPooling",
        "roi_pooling_param { pooled_size: 2 pooled_size: 3 spatial_scale: 0.25 pad_ratio: 0.2 }",
        (spread(2, 3, 6, 7), REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="the CPU pools window by window",
    ),
]
SAMPLES = {
    "ROIPooling": (normal(1, 3, 5, 6), np.array([[0, 8, 8, 40, 60], [0, 0, 0, 90, 30.0]])),
}


def half_up(a):
    return math.copysign(math.floor(abs(a) + 0.5), a)


def by_loop(x, regions, out_h, out_w, scale, pad=0.0):
    y = np.zeros((len(regions), x.shape[1], out_h, out_w))
    for r, c, i, j in np.ndindex(y.shape):
        image, x1, y1, x2, y2 = regions[r]
        pad_x, pad_y = (x2 - x1 + 1) * pad, (y2 - y1 + 1) * pad
        windows = []
        for first, last, k, count, size in (
            (y1 - pad_y, y2 + pad_y, i, out_h, x.shape[2]),
            (x1 - pad_x, x2 + pad_x, j, out_w, x.shape[3]),
        ):
            start, end = half_up(first * scale), half_up(last * scale)
            step = max(end - start + 1, 1) / count
            begin, stop = math.floor(k * step) + start, math.ceil((k + 1) * step) + start
            windows.append(slice(int(np.clip(begin, 0, size)), int(np.clip(stop, 0, size))))
        window = x[int(image), c][tuple(windows)]
        y[r, c, i, j] = window.max() if window.size else 0
    return y


@pytest.mark.parametrize("pad", [0.0, 0.2])
def test_values_and_gradients(pad):
    text = LAYER % f"{SIZE} pad_ratio: {pad}"
    (y,) = make_layer(text, [X, REGIONS]).forward()
    np.testing.assert_allclose(y, by_loop(X, REGIONS, 2, 3, 0.25, pad), rtol=1e-12)
    check_layer(text, [X, REGIONS], propagate_down=(True, False))
    check_layer(text, [X[:1], REGIONS[:1]], propagate_down=(True, False))


def test_intel_sizes():
    expected = make_layer(LAYER % SIZE, [X, REGIONS]).forward()[0]
    text = LAYER % "pooled_size: 2 pooled_size: 3 spatial_scale: 0.25"
    np.testing.assert_array_equal(make_layer(text, [X, REGIONS]).forward()[0], expected)
    (y,) = make_layer(LAYER % "pooled_size: 4", [X, REGIONS]).forward()
    assert y.shape == (4, 3, 4, 4)


def test_regions_of_four_axes():
    expected = make_layer(LAYER % SIZE, [X, REGIONS]).forward()[0]
    (y,) = make_layer(LAYER % SIZE, [X, REGIONS.reshape(4, 5, 1, 1)]).forward()
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    "region",
    [(2, 0, 0, 9, 9), (-1, 0, 0, 9, 9), (0, 100, 100, 120, 110), (0, -50, -50, -20, -30)],
)
def test_regions_of_no_image_and_outside_it_are_zero(region):
    run = make_layer(LAYER % SIZE, [X, np.array([region], float)])
    assert (run.forward()[0] == 0).all()
    (dx, *_), _ = run.backward([np.ones((1, 3, 2, 3))], [True, False])
    assert (dx == 0).all()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % SIZE, [X, REGIONS]), [normal(4, 3, 2, 3)])


def test_errors():
    fails(LAYER % "pooled_h: 2", [X, REGIONS], "pooled_w must be positive, got 0")
    fails(LAYER % f"{SIZE} pooled_size: 3", [X, REGIONS], "without pooled_h and pooled_w")
    fails(LAYER % "pooled_size: 2 spatial_scale: 0", [X, REGIONS], "spatial_scale", "got 0")
    fails(LAYER % SIZE, [X, REGIONS[:, :4]], "regions (R, 5)", "(4, 4)")
    fails(LAYER % SIZE, [X[0], REGIONS], "features (N, C, H, W)", "(3, 6, 7)")
