"""Images in pycaffe's form: arrays (height, width, channels), float32, R G B, 0 ... 1."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.data.images import open_image
from caffe_lite.data.pictures import opened_picture
from caffe_lite.errors import DataError
from caffe_lite.lrcn.crops import ten_crops
from caffe_lite.pycaffe.errors import ArgumentError

_LUMA = np.array([0.2125, 0.7154, 0.0721])  # R, G, B: scikit-image's rgb2gray
_WIDE = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def load_image(filename: str | os.PathLike[str], color: bool = True) -> np.ndarray:
    """Read an image file: (H, W, 3) float32, R G B, or with `color` False (H, W, 1); 0 ... 1.

    A grey image gives three equal channels, and alpha is dropped. Samples of 8 bits are divided by
    255, of 16 bits by 65535. Colour becomes grey as 0.2125 R + 0.7154 G + 0.0721 B. Raises
    DataError for a file that cannot be decoded.
    """
    samples = _samples(os.fspath(filename))
    scale = 65535 if samples.dtype.itemsize > 1 else 255
    image = samples / scale
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3 if color else 1, axis=2)
    elif color:
        image = image[..., :3]
    else:
        image = (image[..., :3] @ _LUMA)[..., None]
    return image.astype(np.float32)


def _samples(name: str) -> np.ndarray:
    """Samples of a file: (H, W), (H, W, 3) or, with alpha, (H, W, 4); uint8, or wider for 16 bit.

    The EXIF orientation is ignored, as scikit-image ignored it.
    """
    with open_image(name) as file, opened_picture(file, name) as picture:
        return np.asarray(_plain(picture, name))


def _plain(picture: Any, name: str) -> Any:
    if picture.mode in ("L", "RGB", "RGBA", *_WIDE):
        return picture
    if picture.mode == "F":
        raise DataError(f"{name}: samples of 8 or 16 bits are needed, not mode F; convert it")
    if picture.mode in ("LA", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA")  # keeps the colours under the transparent pixels
    return picture.convert("L" if picture.mode == "1" else "RGB")


def resize_image(im: np.ndarray, new_dims: Sequence[int], interp_order: int = 1) -> np.ndarray:
    """Resize an image (H, W, K) to (new_dims[0], new_dims[1], K) float32, keeping its value range.

    Interpolates linearly (`interp_order` 1) or takes the nearest pixel (0), without smoothing
    first, as the libraries did that pycaffe used at the time of Caffe 1.0:

    - with 1 or 3 channels, as skimage.transform.resize before 0.15 in mode "constant": pixel
      centres are at i + 0.5, and pixels outside have the image's smallest value, which shows at the
      borders of an enlarged image;
    - otherwise as scipy.ndimage.zoom: the centres of the first and the last pixel stay in place.

    Raises ArgumentError for another order or number of axes.
    """
    if im.ndim != 3 or 0 in im.shape:
        raise ArgumentError(f"resize_image takes an image (H, W, K), got shape {im.shape}")
    if interp_order not in (0, 1):
        raise ArgumentError(
            f"interp_order must be 0 (nearest) or 1 (linear), got {interp_order}; for splines call "
            "scipy.ndimage.zoom"
        )
    height, width = (int(size) for size in new_dims)
    if height < 1 or width < 1:
        raise ArgumentError(f"new_dims must be at least 1, got {(height, width)}")
    aligned = im.shape[2] not in (1, 3)
    low = 0.0 if aligned else float(im.min())
    result = im.astype(np.float64) - low  # so that pixels outside are 0
    for axis, size in enumerate((height, width)):
        result = _resample(result, axis, size, aligned, interp_order)
    return (result + low).astype(np.float32)


def _resample(values: np.ndarray, axis: int, size: int, aligned: bool, order: int) -> np.ndarray:
    old = values.shape[axis]
    if aligned:
        position = np.arange(size) * ((old - 1) / max(size - 1, 1))
    else:
        position = (np.arange(size) + 0.5) * (old / size) - 0.5
    if order == 0:
        nearest = np.clip(np.floor(position + 0.5).astype(int), 0, old - 1)
        return values.take(nearest, axis)
    first = np.floor(position).astype(int)
    shape = [1, 1, 1]
    shape[axis] = size
    fraction = (position - first).reshape(shape)
    padded = np.pad(values, [(int(a == axis), int(a == axis)) for a in range(3)])
    return padded.take(first + 1, axis) * (1 - fraction) + padded.take(first + 2, axis) * fraction


def flip_image(im: np.ndarray, scale: float = 128, is_flow: bool = False) -> np.ndarray:
    """Mirror an image (H, W, K) left to right; in flow images, channel 0 (x) becomes scale - x.

    From LRCN's branch, whose callers pass scale=1 for flow images as `load_image` reads them.
    """
    mirrored = im[:, ::-1].copy()
    if is_flow:
        mirrored[..., 0] = scale - mirrored[..., 0]
    return mirrored


def oversample(
    images: Sequence[np.ndarray], crop_dims: Sequence[int], flow: bool = False
) -> np.ndarray:
    """Ten crops of each of N images (H, W, K): (10 N, crop_dims[0], crop_dims[1], K) float32.

    Top left, top right, bottom left, bottom right and centre, then the mirror image of each.
    `flow`, from LRCN's branch, is for flow images as `load_image` reads them: in the mirrored crops
    channel 0, the horizontal motion x, becomes 1 - x. Raises ArgumentError for images of different
    shapes, DataError for crops larger than the images.
    """
    shapes = {np.shape(image) for image in images}
    if len(shapes) != 1 or len(min(shapes)) != 3:
        raise ArgumentError(
            "oversample takes one or more images (H, W, K) of one shape, got "
            f"{', '.join(map(str, sorted(shapes))) or 'none'}"
        )
    height, width = (int(size) for size in crop_dims)
    crops = ten_crops(np.asarray(images, np.float32), (height, width))
    if flow:
        np.subtract(1, crops[:, 5:, ..., 0], out=crops[:, 5:, ..., 0])
    return crops.reshape(-1, *crops.shape[2:])
