import math

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 5, 7)
LAYER = 'type: "Resample" resample_param { %s }'

CASES = [
    Case(
        "Resample",
        "resample_param { width: 3 height: 4 type: CUBIC }",
        (spread(3, 2, 5, 4),),
        gradient=False,
    )
]
SAMPLES = {"Resample": (X,)}


def round_away(x):
    return int(math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1))


def cubic(x):
    x = abs(x)
    if x <= 1:
        return x * x * (1.5 * x - 2.5) + 1
    return x * (x * (-0.5 * x + 2.5) - 4) + 2 if x < 2 else 0


def by_loop(x, height, width, kind, antialias=True):
    """FlowNet's formula, pixel by pixel."""
    fy, fx = x.shape[2] / height, x.shape[3] / width
    wide = antialias and (fx > 1 or fy > 1)
    ay, ax = (1 / fy, 1 / fx) if wide else (1, 1)
    reach = 4 if kind == "CUBIC" else 2
    ry, rx = (2 if f < 1 else math.ceil(reach / a) for f, a in ((fy, ay), (fx, ax)))
    weigh = cubic if kind == "CUBIC" else lambda t: max(0, 1 - abs(t))
    y = np.zeros((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        row, column = i * fy + fx / 2 - 0.5, j * fx + fy / 2 - 0.5
        r0, c0 = round_away(row), round_away(column)
        if kind == "NEAREST":
            r0, c0 = min(max(r0, 0), x.shape[2] - 1), min(max(c0, 0), x.shape[3] - 1)
            y[:, :, i, j] = x[:, :, r0, c0]
            continue
        total = 0
        for r in range(max(r0 - ry, 0), min(r0 + ry + 1, x.shape[2])):
            for c in range(max(c0 - rx, 0), min(c0 + rx + 1, x.shape[3])):
                w = weigh(ay * (row - r)) * weigh(ax * (column - c))
                y[:, :, i, j] += w * x[:, :, r, c]
                total += w
        y[:, :, i, j] = y[:, :, i, j] / total if total else 0
    return y


@pytest.mark.parametrize("kind", ["NEAREST", "LINEAR", "CUBIC"])
@pytest.mark.parametrize("size", [(10, 14), (3, 4), (5, 7), (2, 9), (8, 3), (1, 1)])
@pytest.mark.parametrize("antialias", [True, False])
def test_values(kind, size, antialias):
    text = f"height: {size[0]} width: {size[1]} type: {kind} antialias: {str(antialias).lower()}"
    (y,) = make_layer(LAYER % text, [X]).forward()
    np.testing.assert_allclose(y, by_loop(X, *size, kind, antialias), rtol=1e-9, atol=1e-12)


def test_the_size_of_another_blob_and_a_factor():
    (given,) = make_layer(LAYER % "height: 10 width: 14", [X]).forward()
    (like,) = make_layer(LAYER % "", [X, np.zeros((1, 9, 10, 14))]).forward()
    (double,) = make_layer(LAYER % "factor: 2", [X]).forward()
    np.testing.assert_array_equal(given, like)
    np.testing.assert_array_equal(given, double)
    np.testing.assert_allclose(make_layer(LAYER % "", [X]).forward()[0], X, rtol=1e-12)


def test_errors():
    fails(LAYER % "type: AREA", [X], "NEAREST, LINEAR or CUBIC, got AREA")
    fails(LAYER % "width: 3", [X], "at least 1 x 1, got 0 x 3")
    fails(LAYER % "factor: -1", [X], "factor must be above 0")
    fails(LAYER % "", [X[0]], "needs bottoms of 4 axes")
