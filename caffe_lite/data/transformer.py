"""The data transformer: crop, mirror, mean and scale, from images to network input."""

from typing import Any

import numpy as np

from caffe_lite.data import flow_images
from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import DataError


class Transformer:
    """Turn images (C, H, W), values 0..255 or floats, into network input.

        y[c, h, w] = (x[c, h0 + h, w0 + w'] - mean[c, h0 + h, w0 + w']) * scale

    With `crop_size`, (h0, w0) is random in training, otherwise the centre, rounded down. With
    `mirror`, an image is mirrored with probability 1/2, w' = width - 1 - w, in both phases. The
    mean is the image in `mean_file`, cropped in the same way, or `mean_value`, one value or one per
    channel. `flow` is a field of LRCN's dialect: a mirrored flow image also has its horizontal flow
    negated, v becomes 255 - v.

    Each image draws one number from `rng` if `mirror` is set, then two for a random crop.
    """

    def __init__(self, param: Any, train: bool, rng: np.random.Generator) -> None:
        self.crop_size = int(param.crop_size)
        self.mirror = bool(param.mirror)
        self.scale = float(param.scale)
        self.force_color = bool(param.force_color)
        self.force_gray = bool(param.force_gray)
        self.train = train
        self.flow = param.flow
        self.rng = rng
        self._mean: np.ndarray | None = None
        if param.mean_file and param.mean_value:
            raise DataError("mean_file and mean_value exclude each other; drop one of them")
        self._mean_image = bool(param.mean_file)
        if self._mean_image:
            self._mean = read_mean(param.mean_file)
        elif param.mean_value:
            self._mean = np.array(param.mean_value, np.float32).reshape(-1, 1, 1)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """The shape of a transformed image of `shape` (C, H, W); DataError if it does not fit."""
        channels, height, width = shape
        if channels < 1:
            raise DataError(f"an image needs at least one channel, got shape {shape}")
        if self.flow and channels != 3:
            raise DataError(f"a flow image needs 3 channels (magnitude, y, x), got shape {shape}")
        self._check_mean(channels, height, width)
        crop = self.crop_size
        if not crop:
            return channels, height, width
        if crop > height or crop > width:
            raise DataError(f"crop_size {crop} is larger than the image of {height}x{width} pixels")
        return channels, crop, crop

    def _check_mean(self, channels: int, height: int, width: int) -> None:
        mean = self._mean
        if mean is None or mean.shape == (channels, height, width):
            return
        if self._mean_image:
            raise DataError(
                f"mean_file has shape {mean.shape}, the images {(channels, height, width)}; "
                "they must be equal (before cropping)"
            )
        if len(mean) not in (1, channels):
            raise DataError(
                f"{len(mean)} mean_value for images of {channels} channels; "
                f"give one, or one per channel"
            )

    def transform(self, image: np.ndarray, out: np.ndarray) -> None:
        """Write the transformed `image` (C, H, W), uint8 or float, into `out`, float32/float64."""
        expected = self.output_shape(image.shape)
        if out.shape != expected:
            raise DataError(
                f"an image of shape {image.shape} becomes {expected}, but the batch holds "
                f"{out.shape}; all images of a batch must have one size (or use crop_size)"
            )
        mirrored = self.mirror and bool(self.rng.integers(2))
        window = self._window(image.shape[1], image.shape[2], mirrored)
        pixels = image[window]
        if mirrored and self.flow:
            pixels = pixels.copy()
            flow_images.turn_x(pixels[flow_images.X])
        if self._mean is None:
            np.multiply(pixels, self.scale, out=out, dtype=out.dtype)
            return
        mean = self._mean[window] if self._mean_image else self._mean
        np.subtract(pixels, mean, out=out, dtype=out.dtype)
        if self.scale != 1.0:
            out *= self.scale

    def _window(self, height: int, width: int, mirrored: bool) -> tuple[slice, slice, slice]:
        crop = self.crop_size
        top, left = 0, 0
        if crop and self.train:
            top = int(self.rng.integers(height - crop + 1))
            left = int(self.rng.integers(width - crop + 1))
        elif crop:
            top, left = (height - crop) // 2, (width - crop) // 2
        height, width = (crop, crop) if crop else (height, width)
        rows = slice(top, top + height)
        if not mirrored:
            return slice(None), rows, slice(left, left + width)
        stop = left - 1 if left else None
        return slice(None), rows, slice(left + width - 1, stop, -1)
