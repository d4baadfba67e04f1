"""Colour spaces of 8-bit images (H, W, 3), B G R, as OpenCV has them; on the host."""

import numpy as np

from caffe_lite.types import Array


def to_bytes(values: Array) -> Array:
    """Rounded to the nearest of 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_grey(bgr: Array) -> Array:
    """Brightness (H, W): 0.299 R + 0.587 G + 0.114 B."""
    return to_bytes(bgr @ np.array([0.114, 0.587, 0.299], np.float32))


def to_hsv(bgr: Array) -> Array:
    """Hue in units of 2 degrees, 0 to 179; saturation and value, 0 to 255: uint8."""
    b, g, r = np.moveaxis(bgr.astype(np.float32), -1, 0)
    value = np.maximum(np.maximum(b, g), r)
    spread = value - np.minimum(np.minimum(b, g), r)
    divisor = np.where(spread > 0, spread, 1)
    sixth = np.select(
        [spread == 0, value == r, value == g],
        [0, (g - b) / divisor, 2 + (b - r) / divisor],
        4 + (r - g) / divisor,
    )
    hue = np.rint(np.where(sixth < 0, sixth + 6, sixth) * 30)
    saturation = 255 * spread / np.where(value > 0, value, 1)
    return to_bytes(np.stack([hue % 180, saturation, value], axis=-1))


def from_hsv(hsv: Array) -> Array:
    """The inverse of `to_hsv`; a hue of 180 and more wraps around."""
    hue, saturation, value = np.moveaxis(hsv.astype(np.float32), -1, 0)
    reach = value * saturation / 255
    channels = []
    for start in (1, 3, 5):  # blue, green and red: where each begins to fall, in sixths of a turn
        sixth = (hue / 30 + start) % 6
        channels.append(value - reach * np.clip(np.minimum(sixth, 4 - sixth), 0, 1))
    return to_bytes(np.stack(channels, axis=-1))


def to_ycrcb(bgr: Array) -> Array:
    """Brightness Y, and the differences of red and blue from it around 128: uint8."""
    y = to_grey(bgr).astype(np.float32)
    red, blue = (bgr[..., 2] - y) * 0.713 + 128, (bgr[..., 0] - y) * 0.564 + 128
    return to_bytes(np.stack([y, red, blue], axis=-1))


def from_ycrcb(ycrcb: Array) -> Array:
    """The inverse of `to_ycrcb`."""
    y, red, blue = np.moveaxis(ycrcb.astype(np.float32), -1, 0)
    red, blue = red - 128, blue - 128
    return to_bytes(
        np.stack([y + 1.773 * blue, y - 0.714 * red - 0.344 * blue, y + 1.403 * red], axis=-1)
    )
