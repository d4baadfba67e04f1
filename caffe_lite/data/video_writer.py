"""Video files from images, encoded by PyAV."""

import os
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.types import Array

ENDINGS = (".mp4", ".mkv", ".mov")
_CODECS = {"libx264": {"crf": "18"}, "mpeg4": {"qscale": "3"}}  # in order of preference


def write_video(path: str | os.PathLike[str], frames: Iterable[Array], rate: float = 25) -> int:
    """Write images (H, W, 3) uint8, B G R, as an H.264 video, and return their number.

    All have the same size, with even H and W; `rate` is in frames per second. The format follows
    from the path's ending, one of ENDINGS. The file appears when it is complete. Raises DataError
    for no images, odd or different sizes, and another ending, CaffeError without PyAV.
    """
    av = require_pyav()
    name = os.fspath(path)
    if not name.lower().endswith(ENDINGS):
        raise DataError(f"{name}: videos are written as {', '.join(ENDINGS)}; use one of these")
    try:
        with atomic_path(path) as partial, av.open(os.fspath(partial), "w") as container:
            stream, count = None, 0
            for image in frames:
                stream = stream or _stream(av, container, image, rate, name)
                _encode(av, container, stream, image, name)
                count += 1
            if stream is None:
                raise DataError(f"{name}: a video needs at least one frame, got none")
            container.mux(stream.encode())
    except av.error.FFmpegError as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name}: cannot be encoded: {reason}") from None
    return count


def require_pyav() -> Any:
    """The module `av`. Raises CaffeError if it is not installed."""
    try:
        import av
    except ImportError:
        raise CaffeError(
            "video files are written with PyAV, which is not installed: "
            'pip install "caffe_lite[video]"'
        ) from None
    return av


def _stream(av: Any, container: Any, image: Array, rate: float, name: str) -> Any:
    high, wide = image.shape[:2]
    if high % 2 or wide % 2:
        raise DataError(f"{name}: frames need an even height and width, got {high}x{wide}")
    codec = next((codec for codec in _CODECS if codec in av.codecs_available), None)
    if codec is None:
        raise CaffeError(f"this PyAV has none of the encoders {', '.join(_CODECS)}; reinstall it")
    stream = container.add_stream(codec, rate=Fraction(rate).limit_denominator(1000))
    stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
    stream.options = _CODECS[codec]
    return stream


def _encode(av: Any, container: Any, stream: Any, image: Array, name: str) -> None:
    if image.shape != (stream.height, stream.width, 3):
        raise DataError(
            f"{name}: a frame has the shape {image.shape}, the first {stream.height}x"
            f"{stream.width}; give all frames one size"
        )
    frame = av.VideoFrame.from_ndarray(image, format="bgr24")
    container.mux(stream.encode(frame))
