"""Batches of clips that a list names, on the host."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from caffe_lite.data.batches import ImageBatches
from caffe_lite.data.image_list import ImageList
from caffe_lite.data.images import read_image
from caffe_lite.data.resize import resize
from caffe_lite.data.video import decode_video
from caffe_lite.errors import DataError
from caffe_lite.forks.video._crops import StackTransformer
from caffe_lite.types import Array, Shape


@dataclass(frozen=True)
class Frames:
    """How frames are read: how many, resized to height x width unless 0, in colour or grey."""

    length: int
    height: int
    width: int
    color: bool = True


class ListedBatches(ImageBatches):
    """Base of batches of stacks of frames, one for each line of a list."""

    def __init__(
        self, clips: ImageList, transformer: StackTransformer, size: int, frames: Frames
    ) -> None:
        super().__init__(transformer, size, 1)
        self.clips, self.frames, self._path = clips, frames, ""

    def _image(self, name: str) -> Array:
        path = os.path.join(self._path, name)
        return read_image(path, self.frames.height, self.frames.width, self.frames.color)

    def _position(self) -> dict[str, Any]:
        return self.clips.get_state()

    def _seek(self, position: dict[str, Any]) -> None:
        self.clips.set_state(position)

    @property
    def place(self) -> str:
        return self._path


class ClipBatches(ListedBatches):
    """Clips (N, C, L, H, W) of video files or folders of images, and labels (N,).

    A line has the clip's first frame; with `jitter`, of a folder, its number of frames instead.
    Frames are files 000001.jpg and so on, or are counted in a video from `first`. `rates` gives
    the smallest and largest step between frames.
    """

    def __init__(
        self,
        clips: ImageList,
        transformer: StackTransformer,
        size: int,
        frames: Frames,
        *,
        images: bool,
        jitter: bool,
        first: int,
        rates: tuple[int, int],
    ) -> None:
        super().__init__(clips, transformer, size, frames)
        self._images, self._jitter, self._rates = images, jitter, rates
        self._number_of_first = first

    def shapes(self) -> list[Shape]:
        (size, channels, *image), *labels = super().shapes()
        length = self.frames.length
        return [(size, channels // length, length, *image), *labels]

    def fill(self, arrays: Sequence[Array]) -> None:
        data, labels = arrays
        stacked = (len(data), data.shape[1] * data.shape[2], *data.shape[3:])
        super().fill([data.reshape(stacked), labels])

    def _read(self) -> tuple[Array, Any]:
        self._path, (*given, label) = self.clips.next()
        low, high = self._rates
        rate = low if low == high else int(self.transformer.rng.integers(low, high + 1))
        images = self._images or os.path.isdir(self._path)
        start = int(given[0]) if given else 0
        if images:
            start = self._random_start(start, rate) if self._jitter else start
            names = range(start, start + rate * self.frames.length, rate)
            found = [self._image(f"{number:06d}.jpg") for number in names]
        else:
            found = self._decode(start, rate)
        if any(frame.shape != found[0].shape for frame in found):
            raise DataError(f"{self._path}: its frames differ in size")
        clip = np.stack(found).transpose(3, 0, 1, 2)
        return clip.reshape(-1, *clip.shape[2:]), label

    def _random_start(self, count: int, rate: int) -> int:
        """A random first file of `count`; 1 in the TEST phase."""
        room = count - self.frames.length * rate
        if room < 0:
            raise DataError(f"{self._path}: {count} frames are too few for a clip")
        return 1 + (int(self.transformer.rng.integers(room + 1)) if self.transformer.train else 0)

    def _decode(self, start: int, rate: int) -> list[Array]:
        """The frames of a clip in a video file."""
        wanted = rate * (self.frames.length - 1) + 1
        start = max(start - self._number_of_first, 0)
        if self._jitter:
            room = sum(1 for _ in decode_video(self._path)) - rate * self.frames.length
            start = int(self.transformer.rng.integers(max(room, 0) + 1))
        video = islice(decode_video(self._path), start, start + wanted, rate)
        found = [self._prepared(frame) for _, frame in video]
        if len(found) < self.frames.length:
            raise DataError(
                f"{self._path}: needs {self.frames.length} frames from "
                f"{start + self._number_of_first} on, got {len(found)}"
            )
        return found

    def _prepared(self, frame: Array) -> Array:
        frame = np.ascontiguousarray(frame)
        if not self.frames.color:
            weights = np.array([0.114, 0.587, 0.299])
            frame = np.rint(frame @ weights).astype(np.uint8)[:, :, None]
        height, width = self.frames.height, self.frames.width
        return resize(frame, height, width) if height and width else frame


class SegmentBatches(ListedBatches):
    """Frames of several parts of a folder, stacked as channels (N, C, H, W); labels (N, 1, 1, 1).

    With `clip` they are (N, C, L, H, W), as ClipBatches gives them.

    A line has the number of frames. Each of `segments` parts of equal length gives as many frames
    as `frames` says, from a random one on in training, else from the middle. `pattern` names a
    frame's file; with `flow` it names two, of the flow in x and in y.
    """

    def __init__(
        self,
        clips: ImageList,
        transformer: StackTransformer,
        size: int,
        frames: Frames,
        *,
        segments: int,
        flow: bool,
        pattern: str,
        clip: bool,
    ) -> None:
        super().__init__(clips, transformer, size, frames)
        self._segments, self._flow, self._pattern, self._clip = segments, flow, pattern, clip

    def shapes(self) -> list[Shape]:
        data, _ = super().shapes()
        if self._clip:
            length = self.frames.length * self._segments
            data = (data[0], data[1] // length, length, *data[2:])
        return [data, (self.batch_size, 1, 1, 1)]

    def fill(self, arrays: Sequence[Array]) -> None:
        data, labels = arrays
        stacked = (len(data), -1, *data.shape[-2:])
        super().fill([data.reshape(stacked), labels.reshape(-1)])

    def _read(self) -> tuple[Array, Any]:
        self._path, (count, label) = self.clips.next()
        part, length = int(count) // self._segments, self.frames.length
        found = []
        for i in range(self._segments):
            start = 0
            if part >= length:
                room = part - length + 1
                train = self.transformer.train
                inside = int(self.transformer.rng.integers(room)) if train else room // 2
                start = inside + i * part
            for number in range(start + 1, start + length + 1):
                names = [self._name(axis, number) for axis in ("xy" if self._flow else " ")]
                found += [self._image(name) for name in names]
        if any(frame.shape != found[0].shape for frame in found):
            raise DataError(f"{self._path}: its frames differ in size")
        stack = np.stack(found).transpose(0, 3, 1, 2)
        stack = stack.reshape(-1, *stack.shape[2:])
        if self._clip:
            frames = stack.reshape(self.frames.length * self._segments, -1, *stack.shape[1:])
            stack = frames.swapaxes(0, 1).reshape(stack.shape)
        return stack, label

    def _name(self, axis: str, number: int) -> str:
        values = (axis, number) if self._flow else number
        try:
            return str(self._pattern % values)
        except (TypeError, ValueError):
            raise DataError(
                f'name_pattern "{self._pattern}" must hold %d for the number of a frame'
                + (" behind a %c for x or y" if self._flow else "")
            ) from None
