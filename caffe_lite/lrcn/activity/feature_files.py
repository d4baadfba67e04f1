"""Features of the frames of videos in files, to be read again by a later run."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from caffe_lite.data.frames import read_frame_folder
from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_path


class FeatureFiles:
    """A folder of files NAME.KEY.npy, arrays (frames, crops, ...) float32.

    KEY is a hash of `made_by` (whatever determines the features besides the frames) and of the
    frames' names, sizes and times, so features of other weights or frames are never read.
    """

    def __init__(self, folder: str | os.PathLike[str], made_by: Iterable[object]) -> None:
        self.folder = Path(folder)
        self._made_by = repr(list(made_by))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder}: cannot be created: {error.strerror}") from None

    def path(self, frames: str) -> Path:
        """The file of the video whose frames are in the folder `frames`."""
        found = read_frame_folder(frames)
        digest = hashlib.sha1(self._made_by.encode(), usedforsecurity=False)
        for i in range(found.count):
            status, name = os.stat(found.path(i)), os.path.basename(found.path(i))
            digest.update(
                f"{name} {status.st_size} {status.st_mtime_ns}\n".encode(errors="replace")
            )
        name = os.path.basename(os.path.normpath(frames))
        return self.folder / f"{name}.{digest.hexdigest()[:16]}.npy"

    def read(self, path: Path) -> np.ndarray | None:
        """The features, mapped from the file, or None if there is no such file."""
        if not path.exists():
            return None
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: not a file of features: {error}; delete it") from None

    def write(self, path: Path, features: np.ndarray) -> None:
        try:
            with atomic_path(path) as partial, open(partial, "wb") as file:
                np.save(file, features)
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror}") from None
