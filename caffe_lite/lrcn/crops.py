"""Crops of images and of flow images, as pycaffe's `oversample` takes them."""

import numpy as np

from caffe_lite.data import flow_images
from caffe_lite.errors import DataError


def center_crop(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The centre crop (height, width) of images (..., H, W, C), as a view.

    With an odd margin the crop is half a pixel nearer to the top or left edge.
    """
    top, left = _room(images, size)
    return _crop(images, top // 2, left // 2, size)


def ten_crops(images: np.ndarray, size: tuple[int, int], flow: bool = False) -> np.ndarray:
    """Corners and centre of images (N, H, W, C) uint8, then the same mirrored: (N, 10, h, w, C).

    The order is top left, top right, bottom left, bottom right, centre. Mirroring a `flow` image
    also turns its horizontal flow v into 255 - v. Raises DataError for images smaller than `size`.
    """
    bottom, right = _room(images, size)
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    crops = np.empty((len(images), 10, *size, images.shape[-1]), images.dtype)
    for i, (top, left) in enumerate(places):
        crops[:, i] = _crop(images, top, left, size)
    crops[:, 5:] = crops[:, :5, :, ::-1]
    if flow:
        flow_images.turn_x(crops[:, 5:, ..., flow_images.X])
    return crops


def _room(images: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    height, width = images.shape[-3:-1]
    if height < size[0] or width < size[1]:
        raise DataError(
            f"images of {height}x{width} pixels are smaller than the net's input of "
            f"{size[0]}x{size[1]}; resize them to at least that"
        )
    return height - size[0], width - size[1]


def _crop(images: np.ndarray, top: int, left: int, size: tuple[int, int]) -> np.ndarray:
    return images[..., top : top + size[0], left : left + size[1], :]
