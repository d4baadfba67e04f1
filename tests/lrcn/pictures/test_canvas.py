"""Bars, thumbnails and stacks."""

import numpy as np
import pytest

from caffe_lite.lrcn.pictures.canvas import TRACK, Canvas, percent, reduce, stack, thumbnail
from tests.lrcn.pictures.looking import longest, photo


@pytest.mark.parametrize(
    "share, pixels", [(0, 0), (0.25, 50), (1, 200), (1.5, 200), (-1, 0), (np.nan, 0)]
)
def test_a_bar_is_as_long_as_its_share(share, pixels):
    canvas = Canvas(220, 20)
    canvas.bar((10, 5, 210, 15), share, "#112233")
    assert longest(canvas.picture, "#112233") == pixels
    assert longest(canvas.picture, TRACK) == 200 - pixels
    assert (np.asarray(canvas.picture)[:, 210:] == 255).all()


def test_a_small_image_is_enlarged_by_a_whole_factor():
    image = photo(1, 7, 5)
    shown = np.asarray(thumbnail(image, 23, 100))
    assert shown.shape == (28, 20, 3)
    np.testing.assert_array_equal(shown, image[..., ::-1].repeat(4, 0).repeat(4, 1))
    grey = thumbnail(image[..., :1], 23, 100)
    np.testing.assert_array_equal(np.asarray(grey)[..., 0], np.asarray(grey)[..., 2])


@pytest.mark.parametrize("shape", [(500, 20), (20, 500), (1, 2000), (300, 400)])
def test_a_large_image_fits_and_keeps_its_shape(shape):
    shown = thumbnail(photo(1, *shape), 120, 90)
    assert 1 <= shown.width <= 120 and 1 <= shown.height <= 90
    assert shown.width == 120 or shown.height == 90


def test_only_large_images_are_reduced():
    small = photo(1, 40, 60)
    assert reduce(small, 60) is small
    assert reduce(photo(1, 90, 60), 30).shape == (30, 20, 3)


def test_pictures_are_stacked():
    above, below = Canvas(30, 10).picture, Canvas(20, 15).picture
    assert stack([above]) is above
    assert stack([above, below]).size == (30, 25)


def test_percentages():
    assert [percent(p) for p in (0.0, 0.001, 0.496, 1.0, np.nan)] == [
        "0%",
        "<1%",
        "50%",
        "100%",
        "NaN",
    ]
