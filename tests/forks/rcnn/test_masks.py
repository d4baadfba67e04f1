"""ROIWarping, MaskResize and MaskPooling, against loops."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

X = normal(2, 3, 6, 7)
REGIONS = np.array(
    [(0, 8, 8, 60, 70), (1, 0, 16, 40, 16), (0, -30, 5, 130, 90), (1, 90, 60, 70, 40.0)]
)
WARP = 'type: "ROIWarping" roi_warping_param { pooled_h: 3 pooled_w: 4 spatial_scale: 0.0625 }'
RESIZE = 'type: "MaskResize" mask_resize_param { output_height: %d output_width: %d }'
MASKS = normal(2, 1, 6, 7)

CASES = [
    Case(
        "ROIWarping",
        "roi_warping_param { pooled_h: 3 pooled_w: 4 spatial_scale: 0.0625 }",
        (X, REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="the crops of each region",
    ),
    Case("MaskResize", "mask_resize_param { output_height: 4 output_width: 9 }", (X,)),
    Case("MaskPooling", "", (X, MASKS), flags=(True, True)),
]
SAMPLES = {"ROIWarping": (X, REGIONS), "MaskResize": (X,), "MaskPooling": (X, MASKS)}


def point(plane, y, x):
    height, width = plane.shape
    if not (-0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5):
        return 0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    b, a = y - top, x - left
    part = plane[top : top + 2, left : left + 2]
    return np.array([1 - b, b]) @ part @ np.array([1 - a, a])


def test_warping():
    (y,) = make_layer(WARP, [X, REGIONS]).forward()
    for r, c, i, j in np.ndindex(4, 3, 3, 4):
        image, *corners = REGIONS[r]
        x1, y1, x2, y2 = np.trunc(np.array(corners) / 16 + np.copysign(0.5, corners))
        place = y1 + i * max(y2 - y1, 0) / 3, x1 + j * max(x2 - x1, 0) / 4
        np.testing.assert_allclose(y[r, c, i, j], point(X[int(image), c], *place), atol=1e-9)
    check_layer(WARP, [X, REGIONS], propagate_down=[True, False])
    check_layer(WARP, [X[:1], REGIONS[:1]], propagate_down=[True, False])


@pytest.mark.parametrize("size", [(4, 9), (12, 14), (1, 1)])
def test_resizing(size):
    (y,) = make_layer(RESIZE % size, [X]).forward()
    for n, c, i, j in np.ndindex(2, 3, *size):
        expected = point(X[n, c], i * 6 / size[0], j * 7 / size[1])
        np.testing.assert_allclose(y[n, c, i, j], expected, atol=1e-9)
    check_layer(RESIZE % size, [X])
    check_layer(RESIZE % size, [X[:1]])


def test_masks():
    (y,) = make_layer('type: "MaskPooling"', [X, MASKS]).forward()
    np.testing.assert_array_equal(y, X * MASKS)
    check_layer('type: "MaskPooling"', [X, MASKS])
    check_layer('type: "MaskPooling"', [X[:1], MASKS[:1]])


def test_errors():
    fails('type: "ROIWarping"', [X, REGIONS], "pooled_h must be positive")
    fails(RESIZE % (0, 3), [X], "at least 1")
    fails('type: "MaskPooling"', [X, X], "masks (N, 1, H, W)")
