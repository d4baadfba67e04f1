"""Clips of a video: which frames they are, and the frames themselves."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from caffe_lite.data.frames import read_frame_folder

_KEPT = 256  # frames: more than a batch of overlapping clips needs


def clip_starts(count: int, length: int = 16, stride: int = 8) -> list[int]:
    """First frames of the clips of a video of `count` frames.

    A clip begins every `stride` frames; one that would run over the end is the video's last
    `length` frames instead, which may come more than once, as in LRCN's evaluation. A video of no
    more frames than `length` is one clip.
    """
    if count <= length:
        return [0]
    return [min(start, count - length) for start in range(0, count, stride)]


class FolderFrames(Sequence[np.ndarray]):
    """The frames of a folder in the order of their numbers, read as (H, W, C) when asked for.

    `read` reads one file. The latest frames are kept, as clips overlap. Raises DataError for a
    folder without frames or with one missing.
    """

    def __init__(self, folder: str, read: Callable[[str], np.ndarray]) -> None:
        self._frames = read_frame_folder(folder)
        self._read = read
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()

    def __len__(self) -> int:
        return self._frames.count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index not in self._kept:
            self._kept[index] = self._read(self._frames.path(index))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[index]
