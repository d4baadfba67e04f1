"""Windows cut out of images, against a loop over pixels."""

import numpy as np
import pytest

from caffe_lite.errors import DataError
from caffe_lite.recognition.resample import resample
from caffe_lite.recognition.window_crops import WindowCrops


def test_a_window_without_context_is_its_pixels():
    image = np.arange(5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)
    crops = WindowCrops(np.zeros((4, 4, 3), np.float32))
    assert np.array_equal(crops.crop(image, (1, 2, 4, 6.9)), image[1:4, 2:6])
    assert np.array_equal(crops.crop(image, (-3, -1, 2, 90)), image[:2])
    with pytest.raises(DataError, match=r"window \(5.0, 0.0, 9.0, 3.0\) lies outside the image"):
        crops.crop(image, (5, 0, 9, 3))


def test_a_window_with_context_shows_its_surroundings():
    image = np.arange(40 * 40, dtype=np.float32).reshape(40, 40, 1)
    fill = np.full((8, 8, 1), -1, np.float32)
    # A border of 2 of 8 pixels: the window of 10 x 10 is stretched to twice its size.
    crop = WindowCrops(fill, 2).crop(image, (15, 15, 24, 24))
    assert crop.shape == (8, 8, 1) and crop.min() >= image[9, 9, 0]
    assert crop[..., 0].max() <= image[31, 31, 0]
    corner = WindowCrops(fill, 2).crop(image, (0, 0, 9, 9))
    assert (corner[:2] == -1).all() and (corner[:, :2] == -1).all() and (corner[2:, 2:] >= 0).all()
    with pytest.raises(DataError, match="context_pad 4 needs a square input of more than 8 pixels"):
        WindowCrops(fill, 4)


def test_linear_interpolation_between_centres():
    image = np.array([[0.0, 4.0, 8.0]])[..., None]
    grown = resample(image, 1, 6)[0, :, 0]
    # Pixel centres at (i + 0.5) / 2 - 0.5; outside is the smallest value, 0.
    assert grown == pytest.approx([0, 1, 3, 5, 7, 6])
