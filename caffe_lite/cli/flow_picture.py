"""The picture of `prepare flow`: frames, and below each the flow to it as colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_lite.cli.picture_option import read_shown, write_picture

if TYPE_CHECKING:
    from caffe_lite.lrcn.pictures.flow_sheet import Motion

VIDEOS, PAIRS = 6, 6


def write_flow_picture(path: str, folders: Sequence[Path], out: Path) -> None:
    """Draw up to 6 videos of those whose flow is in `out`, and 6 moments of each.

    Nothing is written if none of the folders of frames has its flow there.
    """
    from caffe_lite.lrcn.pictures.flow_sheet import draw_flow_sheet

    done = [folder for folder in folders if (out / folder.name).is_dir()]
    shown = [(folder.name, _motions(folder, out / folder.name)) for folder in _spread(done, VIDEOS)]
    if shown:
        title = f"optical flow of {len(shown)} of {len(done):,} videos"
        write_picture(path, draw_flow_sheet(title, shown))


def _spread(items: Sequence[Path], most: int) -> list[Path]:
    """At most `most` of the items, evenly spread."""
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def _motions(frames: Path, flow: Path) -> list[Motion]:
    """Moments of a video, evenly spread; flow image i is the motion to frame i + 1."""
    from caffe_lite.data.frames import read_frame_folder
    from caffe_lite.data.images import read_image
    from caffe_lite.lrcn.pictures.flow_sheet import Motion, decode_flow

    images, before = read_frame_folder(str(flow)), read_frame_folder(str(frames))
    count = min(PAIRS, images.count)
    return [
        Motion(i + 2, read_shown(before.path(i + 1)), decode_flow(read_image(images.path(i))))
        for i in [(2 * n + 1) * images.count // (2 * count) for n in range(count)]
    ]
