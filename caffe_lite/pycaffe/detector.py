"""Classify windows of images, as R-CNN does."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import UsageError
from caffe_lite.pycaffe.classifier import ImageNet
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.pycaffe.images import load_image, resize_image

Window = Sequence[float]  # ymin, xmin, ymax, xmax


class Detector(ImageNet):
    """A net that classifies windows of images, each warped to the size of the net's input.

    With `context_pad`, a border of that many pixels of the input shows the surroundings of the
    window, and the mean where they lie outside the image.

    Source: Girshick et al., Rich feature hierarchies for accurate object detection (2014),
    appendix A, "warp".
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path | None = None,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, pretrained_file, mean, input_scale, raw_scale, channel_swap)
        self.context_pad = context_pad or 0
        channels, height, width = self.blobs[self.inputs[0]].shape[1:]
        self.crop_dims = np.array((height, width, channels))
        # The image that the transformer turns into zeros.
        nothing = np.zeros((channels, height, width), np.float32)
        self.crop_mean = self.transformer.deprocess(self.inputs[0], nothing)
        if self.context_pad and (height != width or 2 * self.context_pad >= height):
            raise ArgumentError(
                f"context_pad {self.context_pad} needs a square input of more than "
                f"{2 * self.context_pad} pixels, the net's is {height} x {width}"
            )

    def detect_windows(
        self, images_windows: Iterable[tuple[str, Iterable[Window]]]
    ) -> list[dict[str, Any]]:
        """Scores of windows (ymin, xmin, ymax, xmax) in image files.

        Takes (file name, windows) pairs. Returns a dict for each window, in order: `window`,
        `prediction` (the net's first output for it) and `filename`.
        """
        found: list[dict[str, Any]] = []
        crops = []
        for filename, windows in images_windows:
            image = load_image(filename)
            for window in windows:
                found.append({"window": window, "filename": filename})
                crops.append(self.crop(image, window))
        if crops:
            for detection, prediction in zip(found, self._outputs_for(crops), strict=False):
                detection["prediction"] = prediction
        return found

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """Not supported, as the proposals come from a program in MATLAB. Raises UsageError."""
        raise UsageError(
            "detect_selective_search needs MATLAB's selective search; compute the windows in "
            "another way and pass them to detect_windows"
        )

    def crop(self, im: np.ndarray, window: Window) -> np.ndarray:
        """The window (ymin, xmin, ymax, xmax) of an image (H, W, K), with context if that is set.

        The crop has the window's own size, or with context that of the net's input. Raises
        ArgumentError for a window that lies outside the image.
        """
        if not self.context_pad:
            top, left, bottom, right = (int(edge) for edge in window)
            pixels = im[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            return _checked(pixels, window, im)
        return self._with_context(im, np.asarray(window, float))

    def _with_context(self, im: np.ndarray, window: np.ndarray) -> np.ndarray:
        side = int(self.crop_dims[1])
        stretch = side / (side - 2.0 * self.context_pad)
        half = (window[2:] - window[:2] + 1) / 2
        middle = window[:2] + half
        box = np.round(np.concatenate([middle - stretch * half, middle + stretch * half]))
        scale = side / (box[2:] - box[:2] + 1)
        start = np.round(np.maximum(0, -box[:2]) * scale).astype(int)
        inside = np.clip(box, 0, [*im.shape[:2], *im.shape[:2]]).astype(int)
        size = np.round((inside[2:] - inside[:2] + 1) * scale).astype(int)
        size = np.minimum(size, side - start)
        pixels = im[inside[0] : inside[2], inside[1] : inside[3]]
        crop = np.array(self.crop_mean, np.float32)
        crop[start[0] : start[0] + size[0], start[1] : start[1] + size[1]] = resize_image(
            _checked(pixels, window, im), size
        )
        return crop


def _checked(pixels: np.ndarray, window: Any, im: np.ndarray) -> np.ndarray:
    if not pixels.size:
        raise ArgumentError(
            f"window {tuple(float(edge) for edge in window)} lies outside the image of "
            f"{im.shape[0]} x {im.shape[1]}; windows are ymin, xmin, ymax, xmax"
        )
    return pixels
