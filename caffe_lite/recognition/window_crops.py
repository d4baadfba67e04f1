"""Windows cut out of images, with their surroundings, as R-CNN classifies them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.recognition.resample import resample

Window = Sequence[float]  # ymin, xmin, ymax, xmax


class WindowCrops:
    """Crops of windows for a net with inputs of `fill`'s size (H, W).

    With `context_pad`, a border of that many pixels of the input shows the surroundings of the
    window, and `fill` (H, W, K) where they lie outside the image. Raises DataError for a
    `context_pad` that does not fit.

    Source: Girshick et al., Rich feature hierarchies for accurate object detection (2014),
    appendix A, "warp".
    """

    def __init__(self, fill: np.ndarray, context_pad: int = 0) -> None:
        self.fill, self.context_pad = fill, context_pad
        height, width = fill.shape[:2]
        if context_pad and (height != width or 2 * context_pad >= height):
            raise DataError(
                f"context_pad {context_pad} needs a square input of more than "
                f"{2 * context_pad} pixels, the net's is {height} x {width}"
            )

    def crop(self, image: np.ndarray, window: Window) -> np.ndarray:
        """The window (ymin, xmin, ymax, xmax) of an image (H, W, K), with context if that is set.

        The crop has the window's own size, or with context that of the net's input. Raises
        DataError for a window that lies outside the image.
        """
        if not self.context_pad:
            top, left, bottom, right = (int(edge) for edge in window)
            pixels = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            return _checked(pixels, window, image)
        return self._with_context(image, np.asarray(window, float))

    def _with_context(self, image: np.ndarray, window: np.ndarray) -> np.ndarray:
        side = self.fill.shape[1]
        stretch = side / (side - 2.0 * self.context_pad)
        half = (window[2:] - window[:2] + 1) / 2
        middle = window[:2] + half
        box = np.round(np.concatenate([middle - stretch * half, middle + stretch * half]))
        scale = side / (box[2:] - box[:2] + 1)
        start = np.round(np.maximum(0, -box[:2]) * scale).astype(int)
        inside = np.clip(box, 0, [*image.shape[:2], *image.shape[:2]]).astype(int)
        size = np.round((inside[2:] - inside[:2] + 1) * scale).astype(int)
        size = np.minimum(size, side - start)
        pixels = image[inside[0] : inside[2], inside[1] : inside[3]]
        pixels = _checked(pixels, window.tolist(), image)
        crop = np.array(self.fill, np.float32)
        if min(size) > 0:
            crop[start[0] : start[0] + size[0], start[1] : start[1] + size[1]] = resample(
                pixels, int(size[0]), int(size[1])
            )
        return crop


def _checked(pixels: np.ndarray, window: Window, image: np.ndarray) -> np.ndarray:
    if not pixels.size:
        raise DataError(
            f"window {tuple(float(edge) for edge in window)} lies outside the image of "
            f"{image.shape[0]} x {image.shape[1]}; windows are ymin, xmin, ymax, xmax"
        )
    return pixels
