"""Clips of consecutive frames from folders of frames: LRCN's input, decoded by a pool of threads.

Threads are enough, because most of the time goes into JPEG decoding, for which Pillow releases the
interpreter lock.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caffe_lite.data import flow_images
from caffe_lite.data.frames import find_video, read_frame_folder, read_video_list
from caffe_lite.data.images import read_image
from caffe_lite.errors import DataError


@dataclass
class ClipSettings:
    """Batches of `buffer` clips of `frames` frames, from the videos in `list`, folders in `root`.

    Frames are resized to `height` x `width` and cropped to `crop` x `crop` at a random place; if
    `mirror` is set, half of the clips are mirrored. Place and mirroring are the same for all frames
    of a clip. `mean` is per channel: B, G, R. If `flow` is set, mirroring also turns the x
    component, R, into 255 - R. `threads` is the number of decoding threads.
    """

    root: str
    list: str
    buffer: int
    frames: int = 16
    height: int = 240
    width: int = 320
    crop: int = 227
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    flow: bool = False
    mirror: bool = True
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True)
class _Draw:
    """One clip of a batch: the video, its first frame, the place of the crop, and mirroring."""

    video: int
    start: int
    top: int
    left: int
    mirrored: bool


class ClipReader:
    """Batches of clips in the order of the list, cyclically, frames in time-major order.

    In each pass every video yields one clip, which begins at a random frame. `rng` draws, per clip,
    the first frame, the row and column of the crop, and mirroring.
    """

    def __init__(self, settings: ClipSettings, rng: np.random.Generator) -> None:
        self.settings, self.rng = settings, rng
        if settings.crop > min(settings.height, settings.width):
            raise DataError(
                f"crop {settings.crop} is larger than the frames, resized to "
                f"{settings.height}x{settings.width}"
            )
        videos = read_video_list(settings.list)
        self.labels = [label for _, label in videos]
        self.videos = [read_frame_folder(find_video(settings.root, video)) for video, _ in videos]
        for video in self.videos:
            if video.count < settings.frames:
                raise DataError(
                    f"{video.folder}: {video.count} frames are too few for a clip of "
                    f"{settings.frames}; drop the video from {settings.list}"
                )
        self._next = 0
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="clips")

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of a batch: frames (frames * buffer, 3, crop, crop), and a label for each."""
        each = self.settings
        count = each.frames * each.buffer
        return [(count, 3, each.crop, each.crop), (count,)]

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        """Write the next batch into frames, uint8 B G R, and labels.

        Frame t of clip n is item t * buffer + n.
        """
        out, labels = arrays
        each = self.settings
        draws = [self._draw() for _ in range(each.buffer)]
        labels.reshape(each.frames, each.buffer)[...] = [self.labels[d.video] for d in draws]
        done: Iterator[None] = self._pool.map(
            lambda item: self._read_frame(
                draws[item % each.buffer], item // each.buffer, out[item]
            ),
            range(len(out)),
        )
        for _ in done:
            """Re-raises the error of a thread."""

    def _draw(self) -> _Draw:
        each, video = self.settings, self._next
        self._next = (video + 1) % len(self.videos)
        return _Draw(
            video,
            int(self.rng.integers(self.videos[video].count - each.frames + 1)),
            int(self.rng.integers(each.height - each.crop + 1)),
            int(self.rng.integers(each.width - each.crop + 1)),
            bool(self.rng.integers(2)) and each.mirror,
        )

    def _read_frame(self, draw: _Draw, time: int, out: np.ndarray) -> None:
        each = self.settings
        path = self.videos[draw.video].path(draw.start + time)
        frame = read_image(path, each.height, each.width)
        window = frame[draw.top : draw.top + each.crop, draw.left : draw.left + each.crop]
        out[...] = (window[:, ::-1] if draw.mirrored else window).transpose(2, 0, 1)
        if draw.mirrored and each.flow:
            flow_images.turn_x(out[flow_images.X])

    def get_state(self) -> dict[str, Any]:
        """The state that determines the following clips."""
        return {"video": self._next, "rng": self.rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        if state["video"] >= len(self.videos):
            raise DataError(
                f"{self.settings.list}: the saved state is at video {state['video']}, "
                f"but the list has {len(self.videos)}; restore the list, or start from scratch"
            )
        self._next = state["video"]
        self.rng.bit_generator.state = state["rng"]

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
