"""Images as a net's input: resized, cropped, minus the mean, scaled."""

import os
from collections.abc import Sequence

import numpy as np

from caffe_lite.data.images import read_image
from caffe_lite.errors import DataError, ModelError
from caffe_lite.lrcn.crops import center_crop, ten_crops

IMAGENET_CROPS = ((224, 224), (227, 227))


class ImageInput:
    """Turns pixels into the input (C, H, W) = `shape` of a net.

        y[c, h, w] = (pixel[h, w, c] - mean[c]) * scale,    c = B, G, R or grey

    `resize` is the (height, width) to which whole images are resized before cropping, or None.
    `mean` is one number, one per channel, or an image (C, H', W') at least as large as the crop,
    whose centre is used. Raises ModelError if `shape` is not that of an image.
    """

    def __init__(
        self,
        shape: Sequence[int],
        resize: tuple[int, int] | None = None,
        mean: float | Sequence[float] | np.ndarray = 0.0,
        scale: float = 1.0,
    ) -> None:
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise ModelError(
                "an image input has shape (N, 1, H, W) or (N, 3, H, W), got "
                f"(N, {', '.join(map(str, shape))})"
            )
        self.channels, self.size = shape[0], (shape[1], shape[2])
        self.resize, self.scale = resize, scale
        values = np.array(mean, np.float32)
        if values.ndim == 3 and values.shape[0] == self.channels:
            values = center_crop(values.transpose(1, 2, 0), self.size)
        elif values.shape not in ((), (1,), (self.channels,)):
            raise DataError(
                f"a mean of shape {values.shape} for images of {self.channels} "
                "channels: give one number, one per channel, or a mean image"
            )
        self.mean = values

    def read(self, path: str | os.PathLike[str]) -> np.ndarray:
        """Read an image file and resize it: (H, W, C) uint8. Raises DataError."""
        return read_image(path, *(self.resize or (0, 0)), color=self.channels == 3)

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Input (..., C, H, W) float32 from cropped pixels (..., H, W, C)."""
        values = (pixels - self.mean) * np.float32(self.scale)
        return np.ascontiguousarray(np.moveaxis(values, -1, -3), np.float32)

    def load(self, paths: Sequence[str | os.PathLike[str]], crops: int = 1) -> np.ndarray:
        """Crops of image files as input: (n, C, H, W), or (n, 10, C, H, W) for 10 crops; float32.

        `crops` is 1, the centre, or 10. Raises DataError.
        """
        return np.stack([self.prepare(self._cropped(path, crops)) for path in paths])

    def _cropped(self, path: str | os.PathLike[str], crops: int) -> np.ndarray:
        image = self.read(path)
        try:
            if crops == 10:
                return ten_crops(image[None], self.size)[0]
            return center_crop(image, self.size)
        except DataError as error:
            raise DataError(f"{os.fspath(path)}: {error}") from None
