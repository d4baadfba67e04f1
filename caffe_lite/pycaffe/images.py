"""Images in pycaffe's form: arrays (height, width, channels), float32, R G B, 0 ... 1."""

import io
import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from caffe_lite.data.images import open_image
from caffe_lite.data.pictures import opened_picture
from caffe_lite.errors import DataError
from caffe_lite.lrcn.crops import ten_crops
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.recognition.resample import resample

_LUMA = np.array([0.2125, 0.7154, 0.0721])  # R, G, B: scikit-image's rgb2gray
_WIDE = ("I", "I;16", "I;16B", "I;16L", "I;16N")


ImageFile = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def load_image(filename: ImageFile, color: bool = True) -> np.ndarray:
    """Read an image: (H, W, 3) float32, R G B, or with `color` False (H, W, 1); 0 ... 1.

    `filename` may also be an open binary file, which is read from where it is, or the bytes of
    one. A grey image gives three equal channels, and alpha is dropped. Samples of 8 bits are
    divided by 255, of 16 bits by 65535. Colour becomes grey as 0.2125 R + 0.7154 G + 0.0721 B.
    Raises DataError for what cannot be decoded.
    """
    samples = _samples(filename)
    scale = 65535 if samples.dtype.itemsize > 1 else 255
    image = samples / scale
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3 if color else 1, axis=2)
    elif color:
        image = image[..., :3]
    else:
        image = (image[..., :3] @ _LUMA)[..., None]
    return image.astype(np.float32)


def _samples(source: ImageFile) -> np.ndarray:
    """Samples of an image: (H, W), (H, W, 3) or, with alpha, (H, W, 4); uint8, or wider for 16 bit.

    The EXIF orientation is ignored, as scikit-image ignored it.
    """
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        with open_image(name) as file:
            return _decoded(file, name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decoded(io.BytesIO(source), "image")
    if not hasattr(source, "read"):
        raise ArgumentError(
            "load_image takes a path, an open file or the bytes of one, got "
            f"{type(source).__name__}"
        )
    name = str(getattr(source, "name", "image"))
    content = source.read()
    if not isinstance(content, bytes):
        raise ArgumentError(f'{name}: open the image in binary mode ("rb")')
    return _decoded(io.BytesIO(content), name)


def _decoded(file: IO[bytes], name: str) -> np.ndarray:
    with opened_picture(file, name) as picture:
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

    Interpolates linearly (`interp_order` 1) or takes the nearest pixel (0), as the libraries did
    that pycaffe used at the time of Caffe 1.0; see `resample`.

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
    return resample(im, height, width, interp_order)


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
