"""noise_param: changes of an image's pixels, on the host."""

from typing import Any

import numpy as np

from caffe_lite.data.images import decode_image, encode_image
from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._colors import from_ycrcb, to_bytes, to_grey, to_hsv, to_ycrcb
from caffe_lite.forks.ssd._histograms import equalize, equalize_tiles
from caffe_lite.types import Array, Generator


class Noise:
    """The changes that a NoiseParameter asks for, in SSD's order.

    Images are (H, W, C) uint8, C = 3 (B, G, R) or 1.
    """

    def __init__(self, param: Any) -> None:
        """Raise DataError for what cannot be done."""
        if param.convert_to_lab:
            raise DataError(
                "noise_param: convert_to_lab is not supported, since its result is no 8-bit image; "
                "drop it"
            )
        if param.saltpepper and not param.saltpepper_param.value:
            raise DataError("noise_param: saltpepper needs saltpepper_param { value }")
        self._param = param

    def apply(self, image: Array, rng: Generator) -> Array:
        """A changed copy of the image, or the image itself."""
        param = self._param
        if param.decolorize:
            image = np.repeat(to_grey(_in_color(image))[..., None], 3, axis=2)
        if param.gauss_blur:
            image = _blur(image)
        if param.hist_eq:
            image = _on_brightness(image, equalize)
        if param.clahe:
            image = _on_brightness(image, equalize_tiles)
        if param.jpeg > 0:
            quality = min(max(int(param.jpeg), 1), 100)
            image = decode_image(encode_image(image, "JPEG", quality))
        if param.erode:
            image = _erode(image)
        if param.posterize:
            image = image // 64 * 64 + 32
        if param.inverse:
            image = 255 - image
        if param.saltpepper:
            image = self._salt(image, rng)
        return to_hsv(_in_color(image)) if param.convert_to_hsv else image

    def _salt(self, image: Array, rng: Generator) -> Array:
        values = list(self._param.saltpepper_param.value)
        height, width, channels = image.shape
        if len(values) not in (1, channels):
            raise DataError(
                f"noise_param: {len(values)} saltpepper values for images of {channels} channels; "
                "give one, or one for each"
            )
        count = int(self._param.saltpepper_param.fraction * width * height)
        salted = image.copy()
        columns, rows = rng.integers(width, size=count), rng.integers(height, size=count)
        salted[rows, columns] = np.array(values, np.float32).astype(np.uint8)
        return salted


def _in_color(image: Array) -> Array:
    if image.shape[2] != 3:
        raise DataError(
            "noise_param: decolorize and convert_to_hsv need images of 3 channels, got "
            f"{image.shape[2]}"
        )
    return image


def _on_brightness(image: Array, change: Any) -> Array:
    """The image with its brightness changed by a function of a grey image."""
    if image.shape[2] == 1:
        return change(image[..., 0])[..., None]
    ycrcb = to_ycrcb(image)
    ycrcb[..., 0] = change(ycrcb[..., 0])
    return from_ycrcb(ycrcb)


def _blur(image: Array) -> Array:
    """A Gaussian of 7x7 pixels and sigma 1.5; the border is mirrored at the edge pixel."""
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    blurred = image.astype(np.float64)
    for axis in (0, 1):
        around = [(3, 3) if i == axis else (0, 0) for i in range(3)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(blurred, around, "reflect"), 7, axis=axis
        )
        blurred = windows @ taps
    return to_bytes(blurred)


def _erode(image: Array) -> Array:
    """The minimum over each pixel and its four neighbours."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=255)
    shifted = [image, padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return np.minimum.reduce(shifted)
