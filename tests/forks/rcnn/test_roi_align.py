import math

import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, normal, spread
from tests.layers.helpers import fails, untouched

X = normal(2, 3, 6, 7)
REGIONS = np.array(
    [(0, 0, 0, 26, 22), (1, 5.4, 3, 21, 17.5), (1, 9, 9, 9, 9), (0, -30, 11, 60, 90)], float
)
TEXT = "roi_align_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.25 }"
LAYER = f'type: "ROIAlign" {TEXT}'

CASES = [
    Case(
        "ROIAlign",
        TEXT,
        (spread(2, 3, 6, 7), REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="as much as the regions cover",
    ),
]
SAMPLES = {
    "ROIAlign": (normal(1, 3, 5, 6), np.array([[0, 8, 8, 40, 60], [0, 0, 0, 90, 30.0]])),
}


def interpolated(plane, y, x):
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    return (1 - down) * ((1 - across) * plane[top, left] + across * plane[top, right]) + down * (
        (1 - across) * plane[bottom, left] + across * plane[bottom, right]
    )


def by_loop(x, regions, out_h, out_w, scale):
    y = np.zeros((len(regions), x.shape[1], out_h, out_w))
    for r, c, i, j in np.ndindex(y.shape):
        image, x1, y1, x2, y2 = regions[r]
        step_y = max((y2 - y1) * scale, 1) / out_h
        step_x = max((x2 - x1) * scale, 1) / out_w
        rows, columns = math.ceil(step_y), math.ceil(step_x)
        for p, q in np.ndindex(rows, columns):
            at_y = y1 * scale + (i + (p + 0.5) / rows) * step_y
            at_x = x1 * scale + (j + (q + 0.5) / columns) * step_x
            y[r, c, i, j] += interpolated(x[int(image), c], at_y, at_x) / (rows * columns)
    return y


def test_values_and_gradients():
    (y,) = make_layer(LAYER, [X, REGIONS]).forward()
    np.testing.assert_allclose(y, by_loop(X, REGIONS, 2, 3, 0.25), rtol=1e-6)
    check_layer(LAYER, [X, REGIONS], propagate_down=(True, False))
    check_layer(LAYER, [X[:1], REGIONS[:1]], propagate_down=(True, False))


def test_regions_of_no_image_far_outside_and_not_numbers_are_zero():
    regions = np.array(
        [
            (2, 0, 0, 9, 9),
            (-1, 0, 0, 9, 9),
            (0, 100, 100, 120, 110),
            (0, np.nan, 0, np.nan, 9),
            (0, -1e30, 0, 1e30, np.inf),
        ]
    )
    (y,) = make_layer(LAYER, [X, regions]).forward()
    assert (y == 0).all()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER, [X, REGIONS]), [normal(4, 3, 2, 3)])


def test_errors():
    fails('type: "ROIAlign"', [X, REGIONS], "pooled_h must be positive, got 0")
    fails(LAYER, [X, REGIONS[:, :3]], "regions (R, 5)")
