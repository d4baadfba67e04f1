import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

RGB = np.random.default_rng(0).uniform(0, 255, (2, 3, 4, 5))
LAYER = 'type: "ColorConv" color_conv_param { input: %s output: %s }'

CASES = [
    Case(
        "ColorConv",
        "color_conv_param { input: 0 output: 3 }",
        (RGB,),
        gradient=False,
        allocates="converts step by step",
    )
]
SAMPLES = {"ColorConv": (RGB,)}


def convert(x, given, wanted):
    (y,) = make_layer(LAYER % (given, wanted), [x]).forward()
    return y


def test_known_colours():
    """Values of CIE's Lab for white, black and the primaries of sRGB under D65."""
    colors = {
        (255, 255, 255): (100, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 255, 0): (87.73, -86.18, 83.18),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (10, 10, 10): (2.74, 0, 0),
    }
    x = np.array(list(colors), float).T.reshape(1, 3, 1, -1)
    lab = convert(x, "RGB", "Lab")
    np.testing.assert_allclose(lab[0, :, 0].T, list(colors.values()), atol=0.06)
    np.testing.assert_allclose(convert(x, "RGB", "XYZ")[0, :, 0, 0], [0.9505, 1, 1.0889], atol=1e-3)


def test_gray_and_the_order_of_channels():
    gray = convert(RGB, "RGB", "Gray")
    expected = 0.2126729 * RGB[:, 0] + 0.7151522 * RGB[:, 1] + 0.0721750 * RGB[:, 2]
    np.testing.assert_allclose(gray[:, 0], expected, rtol=1e-12)
    np.testing.assert_array_equal(convert(RGB, "RGB", "BGR"), RGB[:, ::-1])
    np.testing.assert_array_equal(convert(gray, "Gray", "BGR"), np.repeat(gray, 3, axis=1))
    np.testing.assert_array_equal(convert(RGB, "0", "3"), convert(RGB[:, ::-1], "RGB", "Lab"))


@pytest.mark.parametrize("space", ["BGR", "RGB", "Lab", "XYZ"])
def test_there_and_back(space):
    np.testing.assert_allclose(convert(convert(RGB, "RGB", space), space, "RGB"), RGB, atol=2e-3)
    there = convert(RGB, "RGB", space)
    for other in ("Lab", "XYZ", "BGR", "Gray"):
        expected = convert(RGB, "RGB", other)
        np.testing.assert_allclose(convert(there, space, other), expected, atol=2e-3)


def test_errors():
    fails(LAYER % ("Gray", "RGB"), [RGB], "images of Gray must have shape (N, 1, H, W)")
    fails(LAYER % ("RGB", "Lab"), [RGB[:, :2]], "(N, 3, H, W)", "(2, 2, 4, 5)")
