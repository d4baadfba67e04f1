import math

import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, normal, spread
from tests.layers.helpers import fails, untouched

X = normal(2, 12, 6, 7)  # output_dim 3, group_size 2
REGIONS = np.array(
    [(0, 0, 0, 26, 22), (1, 5.4, 3, 21, 17.5), (1, 9, 9, 9, 9), (0, -30, 11, 60, 90)], float
)
TEXT = "psroi_pooling_param { spatial_scale: 0.25 output_dim: 3 group_size: 2 }"
LAYER = f'type: "PSROIPooling" {TEXT}'

CASES = [
    Case(
        "PSROIPooling",
        TEXT,
        (spread(2, 12, 6, 7), REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="as much as the regions cover",
    ),
]
SAMPLES = {
    "PSROIPooling": (normal(1, 18, 5, 6), np.array([[0, 8, 8, 40, 60], [0, 0, 0, 90, 30.0]])),
}


def by_loop(x, regions, dim, side, scale):
    y = np.zeros((len(regions), dim, side, side))
    for r, d, i, j in np.ndindex(y.shape):
        image, x1, y1, x2, y2 = regions[r]
        windows = []
        for first, last, k, size in ((y1, y2, i, x.shape[2]), (x1, x2, j, x.shape[3])):
            start = math.copysign(math.floor(abs(first) + 0.5), first) * scale
            end = (math.copysign(math.floor(abs(last) + 0.5), last) + 1) * scale
            step = max(end - start, 0.1) / side
            begin, stop = math.floor(k * step + start), math.ceil((k + 1) * step + start)
            windows.append(slice(int(np.clip(begin, 0, size)), int(np.clip(stop, 0, size))))
        window = x[int(image), (d * side + i) * side + j][tuple(windows)]
        y[r, d, i, j] = window.mean() if window.size else 0
    return y


def test_values_and_gradients():
    (y,) = make_layer(LAYER, [X, REGIONS]).forward()
    np.testing.assert_allclose(y, by_loop(X, REGIONS, 3, 2, 0.25), rtol=1e-6)
    check_layer(LAYER, [X, REGIONS], propagate_down=(True, False))
    check_layer(LAYER, [X[:1], REGIONS[:1]], propagate_down=(True, False))


def test_regions_of_no_image_and_outside_it_are_zero():
    regions = np.array([(2, 0, 0, 9, 9), (-1, 0, 0, 9, 9), (0, 100, 100, 120, 110)], float)
    run = make_layer(LAYER, [X, regions])
    assert (run.forward()[0] == 0).all()
    (dx, *_), _ = run.backward([np.ones((3, 3, 2, 2))], [True, False])
    assert (dx == 0).all()


def test_regions_that_share_pixels_add_their_gradients():
    once = make_layer(LAYER, [X, REGIONS[:1]])
    twice = make_layer(LAYER, [X, REGIONS[[0, 0]]])
    dy = normal(1, 3, 2, 2)
    once.forward(), twice.forward()
    (expected, *_), _ = once.backward([dy], [True, False])
    (dx, *_), _ = twice.backward([np.concatenate([dy, dy])], [True, False])
    np.testing.assert_allclose(dx, 2 * expected, rtol=1e-6)


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER, [X, REGIONS]), [normal(4, 3, 2, 2)])


def test_errors():
    fails(LAYER, [X[:, :9], REGIONS], "12 channels", "has 9")
    fails('type: "PSROIPooling"', [X, REGIONS], "spatial_scale must be positive, got 0")
    short = 'type: "PSROIPooling" psroi_pooling_param { spatial_scale: 1 output_dim: 3 }'
    fails(short, [X, REGIONS], "group_size must be positive, got 0")
    fails(LAYER, [X, REGIONS[:, :3]], "regions (R, 5)")
