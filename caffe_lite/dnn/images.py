"""Images to blobs and back: `blobFromImage`, `blobFromImages`, `imagesFromBlob`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.data.resize import resize, resize_floats
from caffe_lite.dnn import constants
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.errors import UsageError
from caffe_lite.types import Array

Size = Sequence[int]
Scalar = float | Sequence[float] | Array
Rect = tuple[int, int, int, int]  # x, y, width, height


@dataclass
class Image2BlobParams:
    """How images become a blob: (image - mean) * scalefactor, at `size` (width, height).

    A `size` of zeros keeps that of the first image. `paddingmode` is how an image of another aspect
    ratio gets there: DNN_PMODE_NULL stretches it, DNN_PMODE_CROP_CENTER cuts off what does not fit,
    DNN_PMODE_LETTERBOX puts `borderValue` around it. `datalayout` is DNN_LAYOUT_NCHW or
    DNN_LAYOUT_NHWC, `ddepth` CV_32F or CV_8U. Means and scales are in the order of the blob's
    channels, after `swapRB`; shorter ones are filled with zeros.
    """

    scalefactor: Scalar = (1.0, 1.0, 1.0, 1.0)
    size: Size = (0, 0)
    mean: Scalar = (0.0, 0.0, 0.0, 0.0)
    swapRB: bool = False
    ddepth: int = constants.CV_32F
    datalayout: int = constants.DNN_LAYOUT_NCHW
    paddingmode: int = constants.DNN_PMODE_NULL
    borderValue: Scalar = (0.0, 0.0, 0.0, 0.0)

    @raises_cv2_error
    def blobRectToImageRect(self, rBlob: Rect, size: Size) -> Rect:
        """Where a rectangle of the blob lies in an image of this (width, height)."""
        width, height = self.size
        if self.paddingmode == constants.DNN_PMODE_NULL:
            return _mapped(rBlob, size[0] / width, size[1] / height, 0, 0)
        if self.paddingmode == constants.DNN_PMODE_CROP_CENTER:
            factor = max(width / size[0], height / size[1])
        else:
            factor = min(width / size[0], height / size[1])
        left = (size[0] * factor - width) / 2
        top = (size[1] * factor - height) / 2
        return _mapped(rBlob, 1 / factor, 1 / factor, left, top)

    @raises_cv2_error
    def blobRectsToImageRects(self, rBlob: Sequence[Rect], size: Size) -> Array:
        """As `blobRectToImageRect` for several: (n, 4) int32."""
        return np.array([self.blobRectToImageRect(each, size) for each in rBlob], np.int32)


def _mapped(rect: Rect, across: float, down: float, left: float, top: float) -> Rect:
    x, y, width, height = rect
    return (
        int((x + left) * across),
        int((y + top) * down),
        int(width * across),
        int(height * down),
    )


@raises_cv2_error
def blobFromImage(
    image: Array,
    scalefactor: float = 1.0,
    size: Size | None = (0, 0),
    mean: Scalar | None = (),
    swapRB: bool = False,
    crop: bool = False,
    ddepth: int = constants.CV_32F,
) -> Array:
    """A blob (1, C, H, W) of an image (H, W, C) or (H, W): (image - mean) * scalefactor.

    `size` is (width, height), zeros for the image's own. The image is stretched to it; with `crop`
    it covers it and loses what is outside. `swapRB` exchanges the first and the third channel;
    `mean` is in the order after that. `ddepth` is CV_32F, or CV_8U for bytes.
    """
    return _to_blob([image], _params(scalefactor, size, mean, swapRB, crop, ddepth))


@raises_cv2_error
def blobFromImages(
    images: Sequence[Array],
    scalefactor: float = 1.0,
    size: Size | None = (0, 0),
    mean: Scalar | None = (),
    swapRB: bool = False,
    crop: bool = False,
    ddepth: int = constants.CV_32F,
) -> Array:
    """As `blobFromImage`, a blob (N, C, H, W) of several images; by default of the first's size."""
    return _to_blob(images, _params(scalefactor, size, mean, swapRB, crop, ddepth))


@raises_cv2_error
def blobFromImageWithParams(image: Array, param: Image2BlobParams | None = None) -> Array:
    """A blob of an image, as `param` says."""
    return _to_blob([image], param or Image2BlobParams())


@raises_cv2_error
def blobFromImagesWithParams(
    images: Sequence[Array], param: Image2BlobParams | None = None
) -> Array:
    """A blob of several images, as `param` says."""
    return _to_blob(images, param or Image2BlobParams())


@raises_cv2_error
def imagesFromBlob(blob_: Array) -> tuple[Array, ...]:
    """The images (H, W, C), or (H, W) of one channel, of a blob (N, C, H, W) of float32."""
    if not isinstance(blob_, np.ndarray) or blob_.dtype != np.float32 or blob_.ndim != 4:
        raise UsageError("imagesFromBlob takes a float32 array (N, C, H, W)")
    images = np.ascontiguousarray(blob_.transpose(0, 2, 3, 1))
    return tuple(images[..., 0] if images.shape[-1] == 1 else images)


def _params(
    scalefactor: float, size: Size | None, mean: Scalar | None, swap: bool, crop: bool, ddepth: int
) -> Image2BlobParams:
    mode = constants.DNN_PMODE_CROP_CENTER if crop else constants.DNN_PMODE_NULL
    return Image2BlobParams(
        (scalefactor,) * 4,
        (0, 0) if size is None else size,
        () if mean is None else mean,
        swap,
        ddepth,
        paddingmode=mode,
    )


def _to_blob(images: Sequence[Array], param: Image2BlobParams) -> Array:
    if not len(images):
        raise UsageError("a blob needs at least one image")
    pictures = [_picture(image) for image in images]
    channels = pictures[0].shape[2]
    for picture in pictures:
        if picture.shape[2] != channels:
            raise UsageError(
                f"the images of a blob must have equally many channels, got {channels} and "
                f"{picture.shape[2]}"
            )
    width, height = _size(param.size, pictures[0])
    mean, scale = scalar(param.mean), scalar(param.scalefactor)
    if param.ddepth == constants.CV_8U:
        if mean.any() or (scale != 1).any():
            raise UsageError("a blob of bytes (ddepth CV_8U) takes no mean and no scalefactor")
    elif param.ddepth != constants.CV_32F:
        raise UsageError(f"ddepth must be CV_32F (5) or CV_8U (0), got {param.ddepth}")
    layout = param.datalayout
    if layout not in (constants.DNN_LAYOUT_NCHW, constants.DNN_LAYOUT_NHWC):
        raise UsageError(f"datalayout must be DNN_LAYOUT_NCHW or DNN_LAYOUT_NHWC, got {layout}")
    dtype = np.uint8 if param.ddepth == constants.CV_8U else np.float32
    blob = np.empty((len(pictures), channels, height, width), dtype)
    if layout == constants.DNN_LAYOUT_NHWC:
        blob = np.empty((len(pictures), height, width, channels), dtype).transpose(0, 3, 1, 2)
    for target, picture in zip(blob, pictures, strict=True):
        _write(target, _fitted(picture, width, height, param), param.swapRB, mean, scale)
    return blob if layout == constants.DNN_LAYOUT_NCHW else blob.transpose(0, 2, 3, 1)


def _picture(image: Array) -> Array:
    """An image as (H, W, C)."""
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "fiu":
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise UsageError(f"an image must be an array of numbers, got {kind}")
    picture = image.reshape(-1, 1, 1) if image.ndim == 1 else image
    picture = picture[:, :, None] if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or not picture.size:
        raise UsageError(
            f"an image must be (H, W, C) of 1, 3 or 4 channels or (H, W), got shape {image.shape}"
        )
    return picture


def _size(size: Size, first: Array) -> tuple[int, int]:
    """Width and height of the blob."""
    width, height = whole_size(size)
    if (width, height) == (0, 0):
        return first.shape[1], first.shape[0]
    if width <= 0 or height <= 0:
        raise UsageError(f"size must be (width, height), both positive, got {width, height}")
    return width, height


def whole_size(size: Any) -> tuple[int, int]:
    """Width and height as numbers; UsageError for anything but two whole ones."""
    pair = hasattr(size, "__len__") and len(size) == 2
    if not pair or not all(isinstance(side, (int, np.integer)) for side in size):
        raise UsageError(f"size must be two whole numbers (width, height), got {size!r}")
    return int(size[0]), int(size[1])


def scalar(values: Scalar) -> Array:
    """Up to four numbers as (4,) float64, with zeros for the missing ones."""
    given = np.atleast_1d(np.asarray(values, np.float64)).ravel()
    if len(given) > 4:
        raise UsageError(f"takes up to four numbers, one for each channel, got {len(given)}")
    full = np.zeros(4)
    full[: len(given)] = given
    return full


def _fitted(picture: Array, width: int, height: int, param: Image2BlobParams) -> Array:
    rows, columns = picture.shape[:2]
    if (columns, rows) == (width, height):
        return picture
    if param.paddingmode == constants.DNN_PMODE_CROP_CENTER:
        factor = max(np.float32(width / columns), np.float32(height / rows))
        new_width, new_height = round(columns * float(factor)), round(rows * float(factor))
        left, top = int(0.5 * (new_width - width)), int(0.5 * (new_height - height))
        resized = _resized(picture, new_width, new_height, float(factor))
        return resized[top : top + height, left : left + width]
    if param.paddingmode == constants.DNN_PMODE_LETTERBOX:
        return _in_frame(picture, width, height, scalar(param.borderValue))
    return _resized(picture, width, height)


def _in_frame(picture: Array, width: int, height: int, border: Array) -> Array:
    rows, columns = picture.shape[:2]
    factor = min(np.float32(width / columns), np.float32(height / rows))
    new_width, new_height = int(np.float32(columns) * factor), int(np.float32(rows) * factor)
    if not new_width or not new_height:
        raise UsageError(
            f"an image of {columns} x {rows} pixels shrinks to nothing within {width} x {height}"
        )
    frame = np.empty((height, width, picture.shape[2]), picture.dtype)
    frame[...] = border[: picture.shape[2]].astype(picture.dtype)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    inside = frame[top : top + new_height, left : left + new_width]
    inside[...] = _resized(picture, new_width, new_height)
    return frame


def _resized(picture: Array, width: int, height: int, factor: float | None = None) -> Array:
    if picture.dtype == np.uint8:
        return resize(picture, height, width, factor)
    if picture.dtype.kind == "f":
        return resize_floats(picture, height, width, factor)
    exact = resize_floats(picture.astype(np.float32), height, width, factor)
    limits = np.iinfo(picture.dtype)
    return np.rint(exact).clip(limits.min, limits.max).astype(picture.dtype)


def _write(target: Array, picture: Array, swap: bool, mean: Array, scale: Array) -> None:
    """Fill a blob's image (C, H, W) with a picture (H, W, C)."""
    order = list(range(picture.shape[2]))
    if swap and len(order) >= 3:
        order[0], order[2] = 2, 0
    if target.dtype == np.uint8 and picture.dtype != np.uint8:
        picture = picture.astype(np.int64).astype(np.uint8)  # cut and wrapped, as OpenCV does
    for plane, i, shift, factor in zip(target, order, mean, scale, strict=False):
        plane[...] = picture[..., i]
        if shift:
            plane -= np.float32(shift)
        if factor != 1:
            plane *= np.float32(factor)
