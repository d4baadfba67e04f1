"""Classify windows of images, as R-CNN does."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import DataError, UsageError
from caffe_lite.pycaffe.classifier import ImageNet
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.pycaffe.images import load_image
from caffe_lite.recognition.window_crops import Window, WindowCrops


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
        with _as_argument_error():
            self._crops = WindowCrops(self.crop_mean, self.context_pad)

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
        with _as_argument_error():
            return self._crops.crop(im, window)


@contextmanager
def _as_argument_error() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise ArgumentError(str(error)) from None
