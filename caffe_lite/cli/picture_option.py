"""The option --picture: what a command found, drawn as an image file."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.lrcn.pictures.canvas import Picture

log = logging.getLogger("caffe_lite.picture")
ENDINGS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_SIDE = 480  # pixels: no picture shows an image larger


def add_picture(parser: Any, shows: str) -> None:
    """Add --picture; `shows` completes "draw ..." in its help."""
    options.add_flag(
        parser,
        "picture",
        metavar="FILE.png",
        help=f"draw {shows}; .png or .jpg (extra `demo`)",
    )


def check_picture(path: str | None) -> None:
    """Refuse a path that cannot become a picture, before anything is computed for it.

    Raises UsageError for another ending and for a folder that does not exist, CaffeError if the
    font is not installed. None is accepted: no picture is wanted.
    """
    from caffe_lite.errors import UsageError
    from caffe_lite.lrcn.pictures.text import font

    if path is None:
        return
    if os.path.splitext(path)[1].lower() not in ENDINGS:
        raise UsageError(f"--picture {path}: pictures are written as {', '.join(ENDINGS)}")
    check_folder(path, "picture")
    font(12)


def check_folder(path: str, option: str) -> None:
    """Raise UsageError unless a file can be written to the folder of `path`."""
    from caffe_lite.errors import UsageError

    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"--{option} {path}: the folder {folder} does not exist; make it first")
    if os.path.isdir(path):
        raise UsageError(f"--{option} {path}: is a folder; name a file")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--{option} {path}: the folder {folder} is not writable")


def write_picture(path: str, picture: Picture) -> None:
    """Write `picture`; the file appears when it is complete."""
    from caffe_lite.proto.atomic import atomic_path

    form = ENDINGS[os.path.splitext(path)[1].lower()]
    extra: dict[str, Any] = {"quality": 92} if form == "JPEG" else {}
    with atomic_path(path) as partial:
        picture.save(partial, form, **extra)


def read_shown(path: str | None) -> np.ndarray | None:
    """Read an image to show, (H, W, 3) uint8, B G R, of at most 480 pixels a side.

    Of a folder of frames it is the middle one. A file that cannot be read gives a warning and None.
    """
    from caffe_lite.data.frames import read_frame_folder
    from caffe_lite.data.images import read_image
    from caffe_lite.errors import DataError
    from caffe_lite.lrcn.pictures.canvas import reduce

    if path is None:
        return None
    try:
        if os.path.isdir(path):
            frames = read_frame_folder(path)
            path = frames.path(frames.count // 2)
        return reduce(read_image(path), _SIDE)
    except DataError as error:
        log.warning("not shown in the picture: %s", error)
        return None


def first_of(count: int, most: int, things: str) -> str:
    """ "5 images", or "the first 200 of 5,000 images" where a picture has room for 200."""
    if count <= most:
        return f"{count:,} {things if count != 1 else things.removesuffix('s')}"
    return f"the first {most:,} of {count:,} {things}"
