"""Video files to folders of numbered JPEG frames, as LRCN's nets read them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from caffe_lite.data.images import write_image
from caffe_lite.data.resize import resize
from caffe_lite.data.video import decode_video
from caffe_lite.errors import DataError

LONGEST_GAP = 60.0  # seconds from one frame to the next; more are damaged time stamps
ENDINGS = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v", ".flv", ".wmv", ".3gp")


def find_videos(sources: list[str]) -> list[Path]:
    """Expand folders among `sources` to the video files in them, at any depth, sorted by path.

    Raises DataError if two have the same name, as their frames would share a folder.
    """
    found: list[Path] = []
    for source in map(Path, sources):
        if not source.is_dir():
            found.append(source)
            continue
        found += sorted(path for path in source.rglob("*") if path.suffix.lower() in ENDINGS)
    names: dict[str, Path] = {}
    for path in found:
        if names.setdefault(path.stem, path) is not path:
            raise DataError(
                f"{path}: {names[path.stem]} has the same name; their frames would "
                "share a folder, rename one"
            )
    if not found:
        raise DataError(f"no videos ({', '.join(ENDINGS)}) in {', '.join(sources)}")
    return found


def extract_frames(
    video: Path,
    out: Path,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    quality: int = 95,
) -> bool:
    """Write the frames of `video` as `out/NAME/NAME.0001.jpg` and so on; False if they exist.

    With `fps`, one frame per 1 / `fps` seconds, the one on screen then; otherwise every frame.
    `size` is (height, width). The folder appears when it is complete. Raises DataError for a video
    that cannot be decoded or, with `fps`, has damaged time stamps, and CaffeError without PyAV.
    """
    folder = out / video.stem
    if folder.is_dir():
        return False
    with whole_folder(folder) as partial:
        count = 0
        for count, image in enumerate(_sampled(video, fps), 1):
            write_image(
                partial / f"{video.stem}.{count:04d}.jpg",
                resize(image, *size) if size else image,
                quality,
            )
        if not count:
            raise DataError(f"{video}: the video holds no frames")
    return True


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `folder` at the end, or removed on an error."""
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir(parents=True)
        yield partial
        os.replace(partial, folder)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sampled(video: Path, fps: float | None) -> Iterator[np.ndarray]:
    """Frames (H, W, 3), B G R: all, or the one on screen at each multiple of 1 / fps seconds."""
    shown = None
    tick = 0
    before = 0.0
    for number, (time, image) in enumerate(decode_video(video), 1):
        if fps is None:
            yield image
            continue
        if not time - before <= LONGEST_GAP:  # NaN too
            raise DataError(
                f"{video}: frame {number} is {time - before:.0f} s after the one before, so its "
                "time stamps are damaged; leave --fps out to write every frame once"
            )
        before = max(before, time)
        while shown is not None and tick / fps < time - 1e-6:
            yield shown
            tick += 1
        shown = image
    if shown is not None:
        yield shown
