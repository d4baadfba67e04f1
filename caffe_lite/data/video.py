"""The frames of video files, decoded by PyAV."""

import os
from collections.abc import Iterator
from typing import Any

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.types import Array


def decode_video(video: str | os.PathLike[str]) -> Iterator[tuple[float, Array]]:
    """Yield (time, frame): seconds since the first frame, and the image (H, W, 3) uint8, B G R.

    Raises DataError for a file that cannot be decoded, CaffeError without PyAV.
    """
    av = _pyav()
    video = os.fspath(video)
    try:
        with av.open(video) as container:
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
