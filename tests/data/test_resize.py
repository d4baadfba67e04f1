"""Resizing against recorded images of OpenCV, and against its rule written pixel by pixel."""

import math
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.data.resize import resize

RECORDED = np.load(Path(__file__).parent.parent / "reference/data/resize.npz")
CASES = sorted({key.split("/")[1] for key in RECORDED.files})


@pytest.mark.parametrize("case", CASES)
def test_recorded(case):
    before, after = RECORDED[f"case/{case}/in"], RECORDED[f"case/{case}/out"]
    np.testing.assert_array_equal(resize(before, *after.shape[:2]), after)


def reference(image, height, width):
    """Half-pixel centres and two taps per axis, in exact arithmetic."""
    rows, columns, channels = image.shape
    out = np.zeros((height, width, channels))
    for y in range(height):
        for x in range(width):
            v = (y + 0.5) * rows / height - 0.5
            u = (x + 0.5) * columns / width - 0.5
            for row in (math.floor(v), math.floor(v) + 1):
                for column in (math.floor(u), math.floor(u) + 1):
                    weight = (1 - abs(v - row)) * (1 - abs(u - column))
                    near = image[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)]
                    out[y, x] += weight * near
    return out


@pytest.mark.parametrize(
    "shape, size",
    [
        ((7, 5, 3), (13, 4)),
        ((5, 9, 1), (4, 17)),
        ((1, 6, 3), (3, 3)),
        ((6, 1, 1), (2, 5)),
        ((1, 1, 3), (2, 2)),
        ((12, 10, 3), (6, 5)),
        ((12, 10, 3), (6, 4)),
        ((4, 4, 1), (1, 1)),
    ],
)
def test_rule(shape, size, rng):
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    made = resize(image, *size)
    assert made.dtype == np.uint8 and made.shape == (*size, shape[2])
    assert np.abs(made - reference(image, *size)).max() <= 1


def test_halving_rounds_the_mean_of_four(rng):
    image = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    four = image.reshape(3, 2, 4, 2, 3).astype(int).sum((1, 3))
    np.testing.assert_array_equal(resize(image, 3, 4), (four + 2) // 4)
