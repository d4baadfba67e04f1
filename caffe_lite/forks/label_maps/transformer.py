"""One transformation of an image and of its label image, on the host."""

from typing import Any

import numpy as np

from caffe_lite.data.mean_file import read_mean
from caffe_lite.data.resize import resize
from caffe_lite.errors import DataError
from caffe_lite.types import Array, Pair


class PairTransformer:
    """Scale, padding, crop and mirroring of both; mean and scale of the image alone.

    `crop` is the size (H, W) of the crops, zeros for none. Smaller images are refused or, with an
    `ignore_label`, padded below and on the right: by the mean, labels by `ignore_label`. A crop is
    taken at random while training, else from the centre; with `at_bottom`, always from the lower
    edge and at random across. Labels are never interpolated.

    `rng` draws, in this order and where it is wanted: the mirror, the scale, the crop.
    """

    def __init__(
        self,
        param: Any,
        train: bool,
        rng: np.random.Generator,
        crop: Pair,
        mirror: bool = False,
        ignore_label: int | None = None,
        at_bottom: bool = False,
    ) -> None:
        self.rng, self._train = rng, train
        self._crop, self._at_bottom, self._ignore_label = crop, at_bottom, ignore_label
        self._mirror = bool(param.mirror) or mirror
        self._scale = float(param.scale)
        self._factors = list(param.scale_factors)
        if bool(crop[0]) != bool(crop[1]):
            raise DataError(f"give the height and the width of the crop together, got {crop}")
        if min(self._factors, default=1.0) <= 0:
            raise DataError(f"scale_factors must be positive, got {min(self._factors):g}")
        if param.mean_file and param.mean_value:
            raise DataError("mean_file and mean_value exclude each other; drop one of them")
        if param.mean_file and (self._factors or ignore_label is not None):
            raise DataError("mean_file does not go with padding and scaling; give mean_value")
        self._values = np.array(param.mean_value, np.float32)
        self._mean_image = read_mean(param.mean_file) if param.mean_file else None

    def apply(self, image: Array, labels: Array) -> tuple[Array, Array]:
        """(C, H, W) and (1, H, W) from (H, W, C) and (H, W, 1), 8 bits each."""
        mirrored = self._mirror and bool(self.rng.integers(2))
        if self._factors:
            factor = self._factors[int(self.rng.integers(len(self._factors)))]
            size = (int(image.shape[0] * factor), int(image.shape[1] * factor))
            if min(size) < 1:
                raise DataError(f"scale_factors {factor:g} leaves nothing of {image.shape[:2]}")
            image, labels = resize(image, *size), nearest(labels, *size)
        pixels = image.astype(np.float32) - self._mean(image.shape)
        if self._crop[0]:
            if image.shape[:2] != labels.shape[:2]:
                raise DataError(
                    f"the label image is {labels.shape[0]}x{labels.shape[1]} pixels, the image "
                    f"{image.shape[0]}x{image.shape[1]}; a crop needs equal sizes"
                )
            pixels, labels = self._cropped(pixels, labels)
        if mirrored:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        if self._scale != 1:
            pixels = pixels * np.float32(self._scale)
        return pixels.transpose(2, 0, 1), labels.transpose(2, 0, 1)

    def _mean(self, shape: tuple[int, ...]) -> Array:
        """What is subtracted: (H, W, C), or something that is repeated to it."""
        if self._mean_image is not None:
            if self._mean_image.shape != (shape[2], *shape[:2]):
                raise DataError(
                    f"mean_file has shape {self._mean_image.shape}, the images "
                    f"{(shape[2], *shape[:2])}; they must be equal (before cropping)"
                )
            return self._mean_image.transpose(1, 2, 0)
        if len(self._values) not in (0, 1, shape[2]):
            raise DataError(
                f"{len(self._values)} mean_value for images of {shape[2]} channels; give one, or "
                "one per channel"
            )
        return self._values if len(self._values) else np.zeros(1, np.float32)

    def _cropped(self, pixels: Array, labels: Array) -> tuple[Array, Array]:
        height, width = self._crop
        down, right = height - pixels.shape[0], width - pixels.shape[1]
        if max(down, right) > 0:
            if self._ignore_label is None:
                raise DataError(
                    f"a crop of {height}x{width} is larger than the image of "
                    f"{pixels.shape[0]}x{pixels.shape[1]} pixels"
                )
            edges = ((0, max(down, 0)), (0, max(right, 0)), (0, 0))
            pixels = np.pad(pixels, edges)  # the mean is 0 by now
            labels = np.pad(labels, edges, constant_values=self._ignore_label)
        down, right = pixels.shape[0] - height, pixels.shape[1] - width
        if self._at_bottom:
            top, left = down, int(self.rng.integers(right + 1))
        elif self._train:
            top, left = int(self.rng.integers(down + 1)), int(self.rng.integers(right + 1))
        else:
            top, left = down // 2, right // 2
        window = slice(top, top + height), slice(left, left + width)
        return pixels[window], labels[window]


def nearest(labels: Array, height: int, width: int) -> Array:
    """`labels` (H, W, C) resized without interpolation, as OpenCV's INTER_NEAREST does."""
    rows, columns = (
        np.minimum(np.floor(np.arange(new) * (old / new)).astype(np.intp), old - 1)
        for old, new in zip(labels.shape, (height, width), strict=False)
    )
    return labels[rows][:, columns]
