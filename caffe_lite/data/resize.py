"""Bilinear resizing of 8-bit images, with exactly the results of OpenCV.

Pillow's filters get wider when an image shrinks and OpenCV's do not, so a net trained with Caffe
would see different pixels through Pillow. Here: half-pixel centres, two taps per axis, 11-bit
weights, and the exact 2x2 mean when both sides are halved.
"""

import numpy as np

_ONE = 2048  # a weight of one, in 11-bit fixed point


def _taps(size: int, new_size: int) -> tuple[np.ndarray, ...]:
    """The two source indices of each target index and their fixed-point weights.

    A tap outside the image reads the border.
    """
    scale = 1.0 / (new_size / size)
    position = ((np.arange(new_size) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(position).astype(np.intp)
    fraction = position - first.astype(np.float32)
    low = np.rint((np.float32(1.0) - fraction) * np.float32(_ONE)).astype(np.int32)
    high = np.rint(fraction * np.float32(_ONE)).astype(np.int32)
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), low, high


def _halve(image: np.ndarray) -> np.ndarray:
    total = image[0::2, 0::2].astype(np.uint16)
    total += image[0::2, 1::2]
    total += image[1::2, 0::2]
    total += image[1::2, 1::2]
    total += 2
    return (total >> 2).astype(np.uint8)


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize `image` (H, W, C) uint8 to (height, width, C) uint8, as cv2.INTER_LINEAR does."""
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    if (rows, columns) == (2 * height, 2 * width):
        return _halve(image)
    left, right, low, high = _taps(columns, width)
    across = image.take(left, axis=1).astype(np.int32)
    across *= low[:, None]
    across += image.take(right, axis=1) * high[:, None]
    across >>= 4  # OpenCV drops four bits here, so that the next product fits its 16-bit lanes
    upper, lower, low, high = _taps(rows, height)
    top = across.take(upper, axis=0)
    top *= low[:, None, None]
    top >>= 16
    bottom = across.take(lower, axis=0)
    bottom *= high[:, None, None]
    bottom >>= 16
    top += bottom
    top += 2
    top >>= 2
    return top.astype(np.uint8)
