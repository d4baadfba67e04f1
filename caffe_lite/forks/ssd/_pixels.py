"""Boxes from fractions of what the net saw to pixels of the original image, on the host."""

from typing import Any

import numpy as np

from caffe_lite.forks.boxes.frames import clip, project, scale
from caffe_lite.forks.boxes.overlaps import areas
from caffe_lite.proto import schema
from caffe_lite.types import Array


def to_pixels(
    boxes: Array, height: int, width: int, resize: Any | None = None
) -> tuple[Array, Array]:
    """Boxes (N, 4) in pixels of an image of height x width, cut to it; and their areas (N,).

    `resize` is the ResizeParameter by which the image came to the net, if any. Areas count pixels
    as inclusive (extent 1), except for FIT_SMALL_SIZE with height_scale and width_scale, as in SSD.
    """
    modes = schema.ResizeParameter
    mode = modes.WARP if resize is None else resize.resize_mode
    if resize is not None and mode == modes.FIT_SMALL_SIZE:
        if resize.height_scale and resize.width_scale:
            scaled = scale(np, boxes, resize.height_scale, resize.width_scale)
            cut = clip(np, scaled, height, width)
            return cut, areas(np, cut)
    if resize is not None and mode == modes.FIT_LARGE_SIZE_AND_PAD:
        inside, shared = project(np, _picture(resize, width / height, boxes.dtype), boxes)
        boxes = np.where(shared[:, None], inside, boxes)
    pixels = scale(np, clip(np, boxes), height, width)
    return pixels, areas(np, pixels, extent=1 if max(height, width) > 1 else 0)


def _picture(resize: Any, aspect: float, dtype: Any) -> Array:
    """Where the picture lies (4,) in its padded image, as fractions of that."""
    if aspect > resize.width / resize.height:
        y = (resize.height - resize.width / aspect) / 2 / resize.height
        return np.array([0, y, 1, 1 - y], dtype)
    x = (resize.width - resize.height * aspect) / 2 / resize.width
    return np.array([x, 0, 1 - x, 1], dtype)
