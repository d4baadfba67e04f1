"""Video files to folders of numbered JPEG frames, as LRCN's nets read them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.data.images import write_image
from caffe_lite.data.resize import resize
from caffe_lite.errors import CaffeError, DataError

ENDINGS = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v", ".flv", ".wmv", ".3gp")


def find_videos(sources: list[str]) -> list[Path]:
    """Video files among `sources`, and those in folders among them, at any depth, by name.

    A `DataError` if two have one name, as their frames would share a folder.
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
    """Write the frames of `video` as `out/NAME/NAME.0001.jpg` and on; False if they are there.

    At `fps` frames a second, each the one that shows then; else every frame of the video. `size` is
    height and width. The folder appears when it is complete. Raises DataError for a video that
    cannot be decoded, CaffeError without PyAV.
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
    """A new folder that is called `folder` once the block ends, and is removed if it raises."""
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
    """Frames (H, W, 3), B G R: all of them, or the one that shows at each multiple of 1 / fps."""
    shown = None
    tick = 0
    for time, image in _decoded(video):
        if fps is None:
            yield image
            continue
        while shown is not None and tick / fps < time - 1e-6:
            yield shown
            tick += 1
        shown = image
    if shown is not None:
        yield shown


def _decoded(video: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Frames with their times, in seconds from the first."""
    av = _pyav()
    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise DataError(f"{video}: the file has no video in it")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            rate = float(stream.average_rate or 25)
            begin = None
            for index, frame in enumerate(container.decode(stream)):
                time = index / rate if frame.time is None else float(frame.time)
                begin = time if begin is None else begin
                yield time - begin, frame.to_ndarray(format="bgr24")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{video}: cannot be decoded: {reason}") from None


def _pyav() -> Any:
    try:
        import av
    except ImportError:
        raise CaffeError(
            "video files are read with PyAV, which is not installed: "
            'pip install "caffe_lite[video]"'
        ) from None
    return av
