"""Preprocessing of images that becomes part of an exported net: channel order, mean, scale."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import DataError, ModelError, UsageError
from caffe_lite.types import Array, Shape


@dataclass(frozen=True)
class Preprocess:
    """What happens to an image before the net: swap RGB to BGR, subtract the mean, scale.

        y = (x - mean) * scale

    `mean` is (C,), or (C, H, W) as in Caffe's mean files, in the channel order of the net. A mean
    image larger than the input loses its border, as in Caffe's data layers.
    """

    mean: Array | None = None
    scale: float = 1.0
    bgr: bool = False

    def __bool__(self) -> bool:
        return self.mean is not None or self.scale != 1 or self.bgr

    def mean_for(self, name: str, shape: Shape) -> Array | None:
        """The mean as (C, 1, 1) or (C, H, W) for an input of this shape (N, C, H, W).

        Raises ModelError if it does not fit, and for an input that is no image.
        """
        if len(shape) != 4:
            raise ModelError(
                f'input "{name}" has shape {shape}; --mean, --scale and --bgr need images '
                "(N, C, H, W)"
            )
        if self.bgr and shape[1] != 3:
            raise ModelError(f'input "{name}" has {shape[1]} channels; --bgr needs 3')
        if self.mean is None:
            return None
        mean = self.mean.reshape(-1, 1, 1) if self.mean.ndim == 1 else self.mean
        if len(mean) not in (1, shape[1]) or (
            mean.shape[1:] != (1, 1)
            and any(m < s for m, s in zip(mean.shape[1:], shape[2:], strict=True))
        ):
            raise ModelError(
                f"--mean: its shape {self.mean.shape} does not fit the images of input "
                f'"{name}", {shape[1:]}'
            )
        if mean.shape[1:] == (1, 1):
            return np.ascontiguousarray(np.broadcast_to(mean, (shape[1], 1, 1)))
        top, left = ((m - s) // 2 for m, s in zip(mean.shape[1:], shape[2:], strict=True))
        return mean[:, top : top + shape[2], left : left + shape[3]]

    def apply(self, name: str, images: Array) -> Array:
        """The input of the net for images (N, C, H, W)."""
        mean = self.mean_for(name, images.shape)
        values = images[:, ::-1] if self.bgr else images
        values = values if mean is None else values - mean
        return np.ascontiguousarray(values * np.float32(self.scale), np.float32)


def read_mean_option(text: str) -> Array:
    """The value of --mean: numbers "104,117,123", a mean file, or a .npy file."""
    try:
        return np.array([float(part) for part in text.split(",")], np.float32)
    except ValueError:
        pass
    if not Path(text).exists():
        raise UsageError(f"--mean {text}: expected numbers as 104,117,123, or a file that exists")
    if not text.endswith(".npy"):
        return read_mean(text)
    try:
        values = np.load(text, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{text}: is no NumPy file: {error}") from error
    if values.ndim not in (1, 3) or values.dtype.kind not in "fiu":
        raise DataError(f"{text}: expected numbers of shape (C,) or (C, H, W), got {values.shape}")
    return values.astype(np.float32)
