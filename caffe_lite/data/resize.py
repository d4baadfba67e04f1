"""Bilinear resizing with the results of OpenCV, for 8-bit images exactly.

Pillow's filters get wider when an image shrinks and OpenCV's do not, so a net trained with Caffe
would see different pixels through Pillow. Here: half-pixel centres, two taps per axis, 11-bit
weights for bytes, and the exact 2x2 mean when both sides are halved.
"""

import numpy as np

_ONE = 2048  # a weight of one, in 11-bit fixed point


def _positions(size: int, new_size: int, factor: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The first source index of each target index, and how far the second one counts.

    `factor` is how many times the image grows; by default new_size / size.
    """
    scale = 1.0 / (factor or new_size / size)
    position = ((np.arange(new_size) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(position).astype(np.intp)
    return first, position - first.astype(np.float32)


def taps(size: int, new_size: int, factor: float | None = None) -> tuple[np.ndarray, ...]:
    """The two source indices of each target index and their fixed-point weights.

    A tap outside the image reads the border.
    """
    first, fraction = _positions(size, new_size, factor)
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


def resize(image: np.ndarray, height: int, width: int, factor: float | None = None) -> np.ndarray:
    """Resize `image` (H, W, C) uint8 to (height, width, C) uint8, as cv2.INTER_LINEAR does.

    `factor` is how many times both sides grow; by default that follows from the sizes.
    """
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    if (rows, columns) == (2 * height, 2 * width):
        return _halve(image)
    left, right, low, high = taps(columns, width, factor)
    across = image.take(left, axis=1).astype(np.int32)
    across *= low[:, None]
    across += image.take(right, axis=1) * high[:, None]
    across >>= 4  # OpenCV drops four bits here, so that the next product fits its 16-bit lanes
    upper, lower, low, high = taps(rows, height, factor)
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


def resize_floats(
    image: np.ndarray, height: int, width: int, factor: float | None = None
) -> np.ndarray:
    """As `resize`, of floating-point numbers (H, W, C) of any range."""
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    across = _blend(image, 1, width, factor)
    return _blend(across, 0, height, factor)


def _blend(image: np.ndarray, axis: int, new_size: int, factor: float | None) -> np.ndarray:
    size = image.shape[axis]
    first, fraction = _positions(size, new_size, factor)
    fraction = fraction.astype(image.dtype).reshape((-1,) + (1,) * (image.ndim - 1 - axis))
    low = image.take(np.clip(first, 0, size - 1), axis=axis)
    high = image.take(np.clip(first + 1, 0, size - 1), axis=axis)
    blended: np.ndarray = low * (1 - fraction) + high * fraction
    return blended
