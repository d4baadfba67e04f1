"""Folders of frames to folders of optical flow images, as LRCN's flow nets read them."""

import time
from collections.abc import Sequence
from pathlib import Path

from caffe_lite.data.flow_images import encode_flow, flow_name
from caffe_lite.data.frames import read_frame_folder
from caffe_lite.data.images import encode_image, read_image, write_image
from caffe_lite.errors import DataError
from caffe_lite.lrcn.prepare.flow_methods import METHODS, best_method
from caffe_lite.lrcn.prepare.frames import whole_folder


def write_flow(frames: Path, out: Path, method: str = "auto", quality: int = 95) -> bool:
    """Write the flow between the frames of a folder to `out/NAME/`; False if it exists already.

    `flow_image_NAME.0002.jpg` shows the motion from frame 1 to frame 2, and so on. `method` is one
    of METHODS, or "auto" for the best one that is installed. The folder appears when it is
    complete. Raises DataError for frames that are missing, differ in size or are too small for the
    method.
    """
    folder = out / frames.name
    if folder.is_dir():
        return False
    name = best_method() if method == "auto" else method
    chosen = METHODS[name]
    compute = chosen.make()
    found = read_frame_folder(str(frames))
    if found.count < 2:
        raise DataError(f"{frames}: flow needs two frames or more, there is {found.count}")
    with whole_folder(folder) as partial:
        before = read_image(found.path(0))
        height, width = before.shape[:2]
        if min(height, width) < chosen.smallest:
            raise DataError(
                f"{found.path(0)}: is {height}x{width}; {name} needs frames of at least "
                f"{chosen.smallest} pixels a side"
            )
        for index in range(1, found.count):
            path = Path(found.path(index))
            after = read_image(path)
            if after.shape != before.shape:
                raise DataError(
                    f"{path}: is {after.shape[0]}x{after.shape[1]}, the frame before "
                    f"{before.shape[0]}x{before.shape[1]}; give all frames one size"
                )
            image = encode_flow(compute(before, after))
            write_image(partial / flow_name(path.with_suffix(".jpg").name), image, quality)
            before = after
    return True


def estimate_seconds(folders: Sequence[Path], method: str) -> tuple[int, float]:
    """The number of pairs of frames in `folders`, and the seconds for one, measured on the first.

    Folders that cannot be read are left out; (0, 0.0) if none remains.
    """
    pairs, seconds = 0, 0.0
    for folder in folders:
        try:
            found = read_frame_folder(str(folder))
            if found.count < 2:
                continue
            if not seconds:
                seconds = _seconds(found.path(0), found.path(1), method)
            pairs += found.count - 1
        except (DataError, ValueError):
            """Reported when its turn comes."""
    return pairs, seconds


def _seconds(first: str, second: str, method: str) -> float:
    """The time to read a frame, compute its flow and encode that, after a first pair."""
    compute, frames = METHODS[method].make(), [read_image(first), read_image(second)]
    if min(frames[0].shape[:2]) < METHODS[method].smallest:
        return 0.0
    compute(*frames)
    start = time.perf_counter()
    encode_image(encode_flow(compute(frames[0], read_image(second))), "JPEG")
    return time.perf_counter() - start
