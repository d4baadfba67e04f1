import numpy as np

from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 7, 9)
LAYER = 'type: "Downsample" downsample_param { %s }'

CASES = [
    Case(
        "Downsample",
        "downsample_param { top_height: 3 top_width: 2 }",
        (spread(3, 2, 5, 4),),
        gradient=False,
        allocates="masks NaN",
    )
]
SAMPLES = {"Downsample": (X,)}


def by_loop(x, height, width):
    sy, sx = (x.shape[2] - 1) / (height - 1), (x.shape[3] - 1) / (width - 1)
    y = np.zeros((*x.shape[:2], height, width))
    for n, c, i, j in np.ndindex(y.shape):
        value = weight = missing = 0
        for r, q in np.ndindex(x.shape[2:]):
            w = max(0, 1 - abs(r - i * sy) / sy) * max(0, 1 - abs(q - j * sx) / sx)
            if np.isnan(x[n, c, r, q]):
                missing += w
            else:
                value, weight = value + w * x[n, c, r, q], weight + w
        with np.errstate(all="ignore"):
            y[n, c, i, j] = np.nan if np.divide(missing, weight) > 0.5 else np.divide(value, weight)
    return y


def test_values():
    for size in ((3, 4), (4, 5), (2, 9)):
        text = LAYER % f"top_height: {size[0]} top_width: {size[1]}"
        (y,) = make_layer(text, [X]).forward()
        np.testing.assert_allclose(y, by_loop(X, *size), rtol=1e-9, atol=1e-12)


def test_nan_is_left_out():
    x = X.copy()
    x[np.random.default_rng(0).uniform(size=x.shape) < 0.35] = np.nan
    expected = by_loop(x, 3, 4)
    assert np.isnan(expected).any() and not np.isnan(expected).all()
    (y,) = make_layer(LAYER % "", [x, np.zeros((1, 1, 3, 4))]).forward()
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)


def test_the_bottoms_own_size_is_a_copy():
    x = X.copy()
    x[0, 0, 0, 0] = np.nan
    (y,) = make_layer(LAYER % "top_height: 7 top_width: 9", [x]).forward()
    np.testing.assert_array_equal(y, x)


def test_errors():
    fails(LAYER % "", [X], "at least 1 x 1, got 0 x 0")
    fails(LAYER % "", [X[0]], "needs bottoms of 4 axes")
