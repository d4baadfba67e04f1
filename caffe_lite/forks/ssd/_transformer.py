"""transform_param as SSD extends it: images and their boxes to network input, on the host."""

from typing import Any

import numpy as np

from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._annotations import Annotations
from caffe_lite.forks.ssd._colors import to_bytes
from caffe_lite.forks.ssd._distort import Distortion
from caffe_lite.forks.ssd._noise import Noise
from caffe_lite.forks.ssd._resize import Resizing
from caffe_lite.forks.ssd._samplers import Jitter, Samplers
from caffe_lite.proto import schema
from caffe_lite.types import Array, Generator

EXTENSIONS = (
    "transform_param.resize_param",
    "transform_param.noise_param",
    "transform_param.emit_constraint",
    "transform_param.crop_h",
    "transform_param.crop_w",
    "transform_param.distort_param",
    "transform_param.expand_param",
)
_WHOLE = np.array([0, 0, 1, 1], np.float32)

Picture = tuple[Array, Annotations]  # an image (H, W, C) uint8 and its objects


class BoxTransformer:
    """Turn images (H, W, C) uint8, B G R, and their boxes into network input.

    In this order: random colours, a larger canvas, a random crop of `samplers`, resizing, noise, a
    crop of crop_size or crop_h x crop_w (random when training, else the centre), mirroring by
    chance, (x - mean) * scale. Each of them draws from `rng` where it is asked for. `jitter` crops
    as YOLO does, in the place of samplers.
    """

    def __init__(
        self,
        param: Any,
        train: bool,
        rng: Generator,
        samplers: Any = (),
        jitter: float | None = None,
    ) -> None:
        self.rng = rng
        self._train = train
        self._samplers: Samplers | Jitter = Samplers(samplers)
        if jitter is not None:
            padded = schema.ResizeParameter.FIT_LARGE_SIZE_AND_PAD
            square = any(each.resize_mode == padded for each in param.resize_param)
            self._samplers = Jitter(jitter, square)
        self._distortion = (
            Distortion(param.distort_param) if param.HasField("distort_param") else None
        )
        self._expand = param.expand_param if param.HasField("expand_param") else None
        self._resizings = [Resizing(each) for each in param.resize_param]
        self._weights = self._read_weights(param)
        self.resizing = self._resizings[0] if self._resizings else None
        self.sizes_differ = not all(each.has_fixed_size for each in self._resizings)
        self._noise = Noise(param.noise_param) if param.HasField("noise_param") else None
        self._emit = param.emit_constraint if param.HasField("emit_constraint") else None
        self._mirror, self._scale = bool(param.mirror), param.scale
        self._crop = self._crop_size(param)
        self.color = True if param.force_color else False if param.force_gray else None
        self._mean = self._read_mean(param)
        self._mean_image = bool(param.mean_file)
        if self._expand is not None and self._expand.max_expand_ratio <= 1:
            raise DataError(
                "expand_param: max_expand_ratio must be above 1, got "
                f"{self._expand.max_expand_ratio:g}"
            )
        if self._expand is not None and self._mean_image:
            raise DataError("expand_param fills with mean_value; drop mean_file")

    @staticmethod
    def _read_weights(param: Any) -> Array:
        weights = np.array([each.prob for each in param.resize_param])
        if len(weights) > 1 and not (weights.min() >= 0 and weights.sum() > 0):
            raise DataError(
                "the prob of several resize_param must be weights, at least 0 and not all 0, got "
                f"{', '.join(f'{each:g}' for each in weights)}"
            )
        return weights

    def begin_batch(self) -> None:
        """Draw the resize_param of the next batch if there are several."""
        if len(self._resizings) > 1:
            chosen = self.rng.choice(len(self._weights), p=self._weights / self._weights.sum())
            self.resizing = self._resizings[int(chosen)]

    @staticmethod
    def _crop_size(param: Any) -> tuple[int, int] | None:
        size = (param.crop_size,) * 2 if param.crop_size else (param.crop_h, param.crop_w)
        if bool(size[0]) != bool(size[1]):
            raise DataError(f"give crop_h and crop_w together, got {size[0]} and {size[1]}")
        return size if size[0] else None

    @staticmethod
    def _read_mean(param: Any) -> Array | None:
        if param.mean_file and param.mean_value:
            raise DataError("mean_file and mean_value exclude each other; drop one of them")
        if param.mean_file:
            return read_mean(param.mean_file)
        if param.mean_value:
            return np.array(param.mean_value, np.float32).reshape(-1, 1, 1)
        return None

    def apply(self, image: Array, objects: Annotations) -> tuple[Array, Annotations]:
        """The input (C, H, W) float32 that an image comes out as, and the boxes that are left."""
        self._check_mean_values(image.shape[2])
        if self._distortion is not None:
            image = self._distortion.apply(image, self.rng)
        if self._expand is not None:
            image, objects = self._expanded(image, objects)
        image, objects = self._sampled(image, objects)
        return self._finish(image, objects)

    def _check_mean_values(self, channels: int) -> None:
        given = 1 if self._mean is None or self._mean_image else len(self._mean)
        if given not in (1, channels):
            raise DataError(
                f"{given} mean_value for images of {channels} channels; give one, or one per "
                "channel"
            )

    def _expanded(self, image: Array, objects: Annotations) -> Picture:
        """The image on a larger canvas of the mean colour, by chance."""
        param: Any = self._expand
        if self.rng.random() > param.prob:
            return image, objects
        ratio = self.rng.uniform(1, param.max_expand_ratio)
        old = np.array(image.shape[:2])
        new = (old * ratio).astype(int)
        top, left = np.floor(self.rng.uniform(0, new - old)).astype(int)
        canvas = np.empty((*new, image.shape[2]), np.uint8)
        canvas[...] = 0 if self._mean is None else to_bytes(self._mean[:, 0, 0])
        canvas[top : top + old[0], left : left + old[1]] = image
        near, far = -np.array([left, top]), new[::-1] - [left, top]
        frame = (np.concatenate([near, far]) / np.tile(old[::-1], 2)).astype(np.float32)
        return canvas, objects.within(frame, self._emit)

    def _sampled(self, image: Array, objects: Annotations) -> Picture:
        """A crop that the samplers find, else the whole image."""
        frame = self._samplers.draw(objects.boxes, self.rng)
        if frame is None:
            return image, objects
        height, width = image.shape[:2]
        pixels = np.clip(frame, 0, 1) * np.array([width, height] * 2, np.float32)
        left, top = pixels[:2].astype(int)
        columns, rows = np.maximum((pixels[2:] - pixels[:2]).astype(int), 1)
        crop = image[top : top + rows, left : left + columns]
        return crop, objects.within(np.clip(frame, 0, 1), self._emit)

    def _finish(self, image: Array, objects: Annotations) -> tuple[Array, Annotations]:
        mirrored = self._mirror and bool(self.rng.integers(2))
        height, width = image.shape[:2]
        if self.resizing is not None:
            objects = self.resizing.move(objects, height, width)
            image = self.resizing.apply(image, self.rng)
        if self._noise is not None:
            image = self._noise.apply(image, self.rng)
        window, frame = self._window(*image.shape[:2])
        objects = objects.within(frame, self._emit)
        objects = objects.mirrored() if mirrored else objects
        if self.resizing is not None:
            objects = self.resizing.extrapolate(objects, height, width, frame)
        pixels = self._normalized(image.transpose(2, 0, 1), window)
        return (pixels[:, :, ::-1] if mirrored else pixels), objects

    def _window(self, height: int, width: int) -> tuple[tuple[slice, slice], Array]:
        """Rows and columns of the crop, and the crop as fractions of the image (4,)."""
        if self._crop is None:
            return (slice(height), slice(width)), _WHOLE
        rows, columns = self._crop
        if rows > height or columns > width:
            raise DataError(
                f"a crop of {rows}x{columns} is larger than the image of {height}x{width} pixels"
            )
        top, left = (height - rows) // 2, (width - columns) // 2
        if self._train:
            top = int(self.rng.integers(height - rows + 1))
            left = int(self.rng.integers(width - columns + 1))
        box = np.array([left, top, left + columns, top + rows], np.float32)
        frame = box / np.array([width, height] * 2, np.float32)
        return (slice(top, top + rows), slice(left, left + columns)), frame

    def _normalized(self, image: Array, window: tuple[slice, slice]) -> Array:
        pixels = image[:, *window].astype(np.float32)
        mean = self._mean
        if mean is not None:
            if self._mean_image and mean.shape != image.shape:
                raise DataError(
                    f"mean_file has shape {mean.shape}, the resized images {image.shape}; they "
                    "must be equal (before cropping)"
                )
            pixels -= mean[:, *window] if self._mean_image else mean
        if self._scale != 1:
            pixels *= np.float32(self._scale)
        return pixels


def image_size(param: Any) -> tuple[int, int]:
    """Height and width that a TransformationParameter gives all images, else zeros."""
    if param.crop_size:
        return param.crop_size, param.crop_size
    if param.crop_h and param.crop_w:
        return param.crop_h, param.crop_w
    for resize in param.resize_param:
        if resize.resize_mode != schema.ResizeParameter.FIT_SMALL_SIZE:
            return resize.height, resize.width
    return 0, 0
