"""resize_param: images and their boxes in another size, on the host."""

from math import floor
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._annotations import Annotations
from caffe_lite.forks.ssd._resample import resample
from caffe_lite.proto import schema
from caffe_lite.types import Array, Generator

_MODES = schema.ResizeParameter
_PADS: dict[int, Any] = {
    _MODES.CONSTANT: "constant",
    _MODES.MIRRORED: "reflect",
    _MODES.REPEAT_NEAREST: "edge",
}


class Resizing:
    """What a ResizeParameter asks for."""

    def __init__(self, param: Any) -> None:
        """Raise DataError if there is no size."""
        if not param.height or not param.width:
            raise DataError(
                f"resize_param: height and width must be above 0, got {param.height} and "
                f"{param.width}"
            )
        self._param = param
        self.size = (param.height, param.width)
        names = _MODES.Interp_mode
        self._modes = [names.Name(mode) for mode in param.interp_mode] or ["LINEAR"]
        self.has_fixed_size = param.resize_mode != _MODES.FIT_SMALL_SIZE

    def new_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of height x width comes out with."""
        if self.has_fixed_size:
            return self.size
        if width / height < self.size[1] / self.size[0]:
            return floor(self.size[1] / (width / height)), self.size[1]
        return self.size[0], floor(width / height * self.size[0])

    def apply(self, image: Array, rng: Generator) -> Array:
        """The image (H, W, C) resized; one of the interpolation modes is drawn."""
        mode = self._modes[int(rng.integers(len(self._modes)))]
        if self._param.resize_mode != _MODES.FIT_LARGE_SIZE_AND_PAD:
            return resample(image, *self.new_size(*image.shape[:2]), mode)
        height, width = self.size
        aspect = image.shape[1] / image.shape[0]
        if aspect > width / height:
            inner = max(floor(width / aspect), 1), width
        else:
            inner = height, max(floor(aspect * height), 1)
        return self._pad(resample(image, *inner, mode))

    def _pad(self, image: Array) -> Array:
        spare = [new - old for new, old in zip(self.size, image.shape[:2], strict=True)]
        around = [(each // 2, each - each // 2) for each in spare]
        kind = _PADS[self._param.pad_mode]
        if kind != "constant":
            return np.pad(image, (*around, (0, 0)), kind)
        values = self._pad_values(image.shape[2])
        padded = np.empty((*self.size, image.shape[2]), np.uint8)
        padded[...] = values
        top, left = around[0][0], around[1][0]
        padded[top : top + image.shape[0], left : left + image.shape[1]] = image
        return padded

    def _pad_values(self, channels: int) -> Array:
        values = list(self._param.pad_value) or [0]
        if len(values) not in (1, channels):
            raise DataError(
                f"resize_param: {len(values)} pad_value for images of {channels} channels; give "
                "one, or one for each"
            )
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def move(self, objects: Annotations, height: int, width: int) -> Annotations:
        """The boxes of an image of height x width in the resized image, cut to it."""
        near, far = objects.boxes[:, :2], objects.boxes[:, 2:]
        boxes = np.concatenate([np.maximum(near, 0), np.minimum(far, 1)], axis=1)
        if self._param.resize_mode != _MODES.FIT_LARGE_SIZE_AND_PAD:
            return objects.moved(boxes)
        new_height, new_width = self.size
        aspect = width / height
        if aspect > new_width / new_height:
            axis, part = 1, new_width / aspect / new_height
        else:
            axis, part = 0, aspect * new_height / new_width
        boxes[:, axis::2] = boxes[:, axis::2] * part + (1 - part) / 2
        return objects.moved(boxes)

    def extrapolate(
        self, objects: Annotations, height: int, width: int, frame: Array
    ) -> Annotations:
        """Boxes of a crop `frame` (4,) of the resized image as fractions of width_scale and
        height_scale pixels, where FIT_SMALL_SIZE has these."""
        scale = self._param.height_scale, self._param.width_scale
        if self.has_fixed_size or not all(scale):
            return objects
        # Not cut to whole pixels, as SSD computes it
        new_height, new_width = (float(each) for each in self.size)
        if width / height < new_width / new_height:
            new_height = new_width / (width / height)
        else:
            new_width = new_height * (width / height)
        crop = new_height * (frame[3] - frame[1]), new_width * (frame[2] - frame[0])
        if crop[0] < scale[0] or crop[1] < scale[1]:
            raise DataError(
                f"resize_param: height_scale and width_scale ({scale[0]}, {scale[1]}) must not "
                f"exceed the resized image ({crop[0]:g}, {crop[1]:g})"
            )
        factor = np.array([crop[1] / scale[1], crop[0] / scale[0]] * 2, np.float32)
        return objects.moved(objects.boxes * factor)
