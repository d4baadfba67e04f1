"""transform_param for stacks of frames: crops of several scales, mirrored flow; on the host."""

from typing import Any

import numpy as np

from caffe_lite.data.resize import resize
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError
from caffe_lite.types import Array, Generator

EXTENSIONS = tuple(
    f"transform_param.{name}"
    for name in (
        "fix_crop", "more_fix_crop", "multi_scale", "scale_ratios", "max_distort", "is_flow"
    )
)  # fmt: skip
_RATIOS = (1.0, 0.875, 0.75, 0.66)
_NEAR = 3  # a side that differs from crop_size by less is crop_size
_PLACES = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]  # in quarters of the room left
_MORE_PLACES = [*_PLACES, (0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)]


class StackTransformer(Transformer):
    """Turn stacks of frames (channels, H, W) uint8 into network input.

    All frames have one crop and are mirrored together. Fewer values of `mean_value` than channels
    are those of each frame, whose channels follow each other; with `planes` the channels of each
    colour do.
    """

    def __init__(self, param: Any, train: bool, rng: Generator, planes: bool = False) -> None:
        super().__init__(param, train, rng)
        self._param, self._planes = param, planes
        self._ratios = list(param.scale_ratios) or list(_RATIOS)
        if param.multi_scale and not (self.crop_size and 0 < min(self._ratios)):
            raise DataError("multi_scale needs crop_size and scale_ratios above 0")
        if max(self._ratios) > 1:
            raise DataError(f"scale_ratios must be at most 1, got {max(self._ratios):g}")
        if self._mean_image and param.multi_scale:
            raise DataError("multi_scale takes mean_value, not mean_file")

    def _check_mean(self, channels: int, height: int, width: int) -> None:
        mean = self._mean
        if mean is not None and self._mean_image and mean.ndim == 4:
            self._mean = mean = mean.reshape(-1, *mean.shape[2:])
        if mean is not None and not self._mean_image and 1 < len(mean) < channels:
            if channels % len(mean):
                raise DataError(f"{len(mean)} mean_value do not divide {channels} channels")
            count = channels // len(mean)
            planes = np.repeat(mean, count, axis=0)
            self._mean = planes if self._planes else np.tile(mean, (count, 1, 1))
        super()._check_mean(channels, height, width)

    def transform(self, image: Array, out: Array) -> None:
        """Write the transformed `image` (channels, H, W) into `out`, float32/float64."""
        expected = self.output_shape(image.shape)
        if out.shape != expected:
            raise DataError(
                f"frames of shape {image.shape} become {expected}, but the batch holds "
                f"{out.shape}; give new_height and new_width, or crop_size"
            )
        mirrored = self.mirror and bool(self.rng.integers(2))
        rows, columns = self._place(*image.shape[1:])
        pixels: Array = image[:, rows, columns]
        if pixels.shape != expected:
            pixels = resize(pixels.transpose(1, 2, 0), *expected[1:]).transpose(2, 0, 1)
        out[...] = pixels[:, :, ::-1] if mirrored else pixels
        if mirrored and self._param.is_flow:
            out[::2] = 255 - out[::2]
        if self._mean is not None:
            mean = self._mean[:, rows, columns] if self._mean_image else self._mean
            out -= mean[:, :, ::-1] if mirrored and self._mean_image else mean
        out *= self.scale

    def _place(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of the crop."""
        crop, param = self.crop_size, self._param
        if not crop:
            return slice(height), slice(width)
        if not self.train:
            top, left = (height - crop) // 2, (width - crop) // 2
            return slice(top, top + crop), slice(left, left + crop)
        rows, columns = self._crop(min(height, width)) if param.multi_scale else (crop, crop)
        if param.fix_crop:
            places = _MORE_PLACES if param.more_fix_crop else _PLACES
            down, right = places[int(self.rng.integers(len(places)))]
            top, left = down * ((height - rows) // 4), right * ((width - columns) // 4)
        else:
            top = int(self.rng.integers(height - rows + 1))
            left = int(self.rng.integers(width - columns + 1))
        return slice(top, top + rows), slice(left, left + columns)

    def _crop(self, shorter: int) -> tuple[int, int]:
        """A random height and width."""
        crop = self.crop_size
        sides = [int(shorter * np.float32(ratio)) for ratio in self._ratios]
        sides = [crop if abs(side - crop) < _NEAR else side for side in sides]
        pairs = [
            (sides[i], sides[j])
            for i in range(len(sides))
            for j in range(len(sides))
            if abs(i - j) <= self._param.max_distort
        ]
        return pairs[int(self.rng.integers(len(pairs)))]
