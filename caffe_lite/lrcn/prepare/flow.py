"""Folders of frames to folders of optical flow images, as LRCN's flow nets read them."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.data.flow_images import encode_flow, flow_name
from caffe_lite.data.frames import read_frame_folder
from caffe_lite.data.images import read_image, write_image
from caffe_lite.data.optical_flow import optical_flow
from caffe_lite.errors import CaffeError, DataError
from caffe_lite.lrcn.prepare.frames import whole_folder

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def write_flow(frames: Path, out: Path, method: str = "tvl1", quality: int = 95) -> bool:
    """Write the flow between the frames of a folder to `out/NAME/`; False if it is there already.

    `flow_image_NAME.0002.jpg` shows the motion from frame 1 to frame 2, and so on. The folder
    appears when it is complete. Raises DataError for frames that are missing, differ in size or are
    too small for the method.
    """
    folder = out / frames.name
    if folder.is_dir():
        return False
    compute = METHODS[method]()
    found = read_frame_folder(str(frames))
    if found.count < 2:
        raise DataError(f"{frames}: flow needs two frames or more, there is {found.count}")
    with whole_folder(folder) as partial:
        before = read_image(found.path(0))
        height, width = before.shape[:2]
        if min(height, width) < SMALLEST[method]:
            raise DataError(
                f"{found.path(0)}: is {height}x{width}; {method} needs frames of "
                f"{SMALLEST[method]} pixels a side at least"
            )
        for index in range(1, found.count):
            path = Path(found.path(index))
            after = read_image(path)
            if after.shape != before.shape:
                raise DataError(
                    f"{path}: is {after.shape[0]}x{after.shape[1]}, the frame before "
                    f"{before.shape[0]}x{before.shape[1]}; give all one size"
                )
            image = encode_flow(compute(before, after))
            write_image(partial / flow_name(path.with_suffix(".jpg").name), image, quality)
            before = after
    return True


def _tvl1() -> Method:
    return optical_flow


def _dis() -> Method:
    """Dense inverse search (Kroeger et al., ECCV 2016) by OpenCV: some twenty times as fast."""
    try:
        cv2: Any = import_module("cv2")
    except ImportError:
        raise CaffeError(
            "the flow method dis needs OpenCV, which is not installed: pip install "
            "opencv-python-headless, or use tvl1"
        ) from None
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def compute(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        grey = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in (first, second)]
        return np.asarray(search.calc(*grey, None))

    return compute


SMALLEST = {"tvl1": 2, "dis": 12}  # pixels of a frame's shorter side
METHODS: dict[str, Callable[[], Method]] = {"tvl1": _tvl1, "dis": _dis}
