"""Clips of a video: the numbers of their frames, and the frames themselves."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from caffe_lite.data.frames import read_frame_folder
from caffe_lite.errors import DataError

_KEPT = 256  # frames: more than a batch of overlapping clips needs


def clip_starts(count: int, length: int = 16, stride: int = 8) -> list[int]:
    """The first frame of each clip of a video of `count` frames.

    A clip begins every `stride` frames. One that would go past the end is replaced by the last
    `length` frames, which may occur several times, as in LRCN's evaluation. A video of at most
    `length` frames is a single clip.
    """
    if count <= length:
        return [0]
    return [min(start, count - length) for start in range(0, count, stride)]


class FolderFrames(Sequence[np.ndarray]):
    """The frames of a folder in the order of their numbers, (H, W, C), read when indexed.

    `read` reads one file. Recently read frames are kept, since clips overlap. Raises DataError for
    a folder without frames, a missing frame, and a frame that differs in size from the first read.
    """

    def __init__(self, folder: str, read: Callable[[str], np.ndarray]) -> None:
        self._frames = read_frame_folder(folder)
        self._read = read
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._shape: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self._frames.count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index not in self._kept:
            self._kept[index] = self._read_one(self._frames.path(index))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[index]

    def _read_one(self, path: str) -> np.ndarray:
        frame = self._read(path)
        shape = np.shape(frame)
        self._shape = self._shape or shape
        if shape != self._shape:
            raise DataError(
                f"{path}: is {shape[0]}x{shape[1]}, other frames of the video are "
                f"{self._shape[0]}x{self._shape[1]}; give all frames one size, or resize them"
            )
        return frame
