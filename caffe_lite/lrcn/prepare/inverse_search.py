"""Dense optical flow by inverse search (DIS), with the native C code of the CPU backend."""

from typing import Any

import numpy as np

from caffe_lite.backend import native
from caffe_lite.errors import BackendError

SMALLEST = 8  # pixels of a frame's shorter side: one patch
_COARSEST = 16  # pixels of the shorter side of the coarsest level, at least
_FULL_SIZE = 96  # frames with a shorter side below this are searched at full resolution too

STRIDE, DESCENTS, REFINEMENTS = 3, 25, 5  # those of OpenCV's preset "medium"


class InverseSearch:
    """Computes flow between frames and keeps its memory from one pair to the next.

    Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016, with the variational
    refinement of Brox et al., ECCV 2004. Raises BackendError where the native code is not
    available: without a C compiler, or with CAFFE_LITE_NATIVE=0.
    """

    def __init__(self) -> None:
        library = native.load("float32")
        if library is None:
            raise BackendError("the flow method dis needs the native code: install a C compiler")
        self._library = library.without_gil
        self._shape: tuple[int, int] = (0, 0)
        self._settings: list[int] = []
        self._scratch = np.empty(0, np.uint8)

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The motion (H, W, 2) float32 from `first` to `second`, x and y in pixels.

        Frames are (H, W, 3), B G R, or (H, W), with values 0 to 255, and of one size; H and W are
        at least `SMALLEST`. Raises ValueError for other shapes.
        """
        if first.shape != second.shape or min(first.shape[:2]) < SMALLEST:
            raise ValueError(
                f"frames must have one size of at least {SMALLEST} pixels a side, got "
                f"{first.shape} and {second.shape}"
            )
        grey = [_grey(frame) for frame in (first, second)]
        height, width = grey[0].shape
        if self._shape != (height, width):
            self._set_up(height, width)
        flow = np.empty((height, width, 2), np.float32)
        self._library.optical_flow(
            height, width, *(_address(each) for each in (*grey, flow)), *self._settings,
            _address(self._scratch),
        )  # fmt: skip
        return flow

    def _set_up(self, height: int, width: int) -> None:
        shorter, levels = min(height, width), 1
        while (shorter + 1) // 2 >= _COARSEST:
            shorter, levels = (shorter + 1) // 2, levels + 1
        finest = int(min(height, width) >= _FULL_SIZE)
        self._shape = (height, width)
        self._settings = [levels, finest, STRIDE, DESCENTS, REFINEMENTS]
        size = self._library.optical_flow_scratch(height, width, levels, STRIDE)
        self._scratch = np.empty(size, np.uint8)


def _grey(frame: np.ndarray) -> np.ndarray:
    """Grey levels float32, contiguous."""
    if frame.ndim == 2:
        return np.ascontiguousarray(frame, np.float32)
    grey = frame[..., 0] * np.float32(0.114)
    grey += frame[..., 1] * np.float32(0.587)
    grey += frame[..., 2] * np.float32(0.299)
    return grey


def _address(array: np.ndarray) -> Any:
    return array.ctypes.data
