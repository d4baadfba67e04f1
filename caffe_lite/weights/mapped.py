"""A file as read-only memory, and blobs that lie in it as runs of equally spaced numbers."""

import mmap
import os
import shutil
import stat
import tempfile
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.files import StrPath
from caffe_lite.weights.stored import StoredBlob

Array = Any

CHUNK = 1 << 20  # elements converted at once


class MappedFile:
    """The file at `path`: `data` maps it, `read_into` fills arrays without mapping it again.

    What comes through a pipe (`<(gunzip -c net.caffemodel.gz)`) is kept in a temporary file,
    and `piped` is true. Raises ModelError if it cannot be opened or is empty.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = os.fspath(path)
        self.fields_read = 0  # by those that read a message in it
        try:
            file = open(path, "rb", buffering=0)
        except FileNotFoundError:
            folder = os.path.dirname(os.path.abspath(self.path))
            raise ModelError(f"{self.path}: no such file (looked in {folder})") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ModelError(f"{self.path}: cannot be read: {reason}") from None
        self.piped = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
        if self.piped:
            file = self._kept(file)
        self._file = file
        weakref.finalize(self, file.close)
        self.size = os.fstat(file.fileno()).st_size
        if self.size == 0:
            raise ModelError(f"{self.path}: the file is empty")
        try:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.path}: cannot be read: {error}") from None

    def _kept(self, pipe: Any) -> Any:
        kept = tempfile.TemporaryFile(buffering=0)
        try:
            with pipe:
                shutil.copyfileobj(pipe, kept)
        except OSError as error:
            kept.close()
            raise ModelError(
                f"{self.path}: cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
            ) from None
        return kept

    def read_into(self, offset: int, out: Array) -> None:
        """Fill `out`, a contiguous array, with the bytes at `offset`."""
        view = memoryview(out.reshape(-1)).cast("B")
        self._file.seek(offset)
        while view:
            count = self._file.readinto(view)
            if not count:
                raise ModelError(f"{self.path}: became shorter while it was read")
            view = view[count:]


@dataclass(frozen=True)
class Run:
    """`count` numbers, the first at byte `offset`, each `stride` bytes after the one before."""

    offset: int
    count: int
    stride: int


class MappedBlob(StoredBlob):
    """A blob whose numbers lie in runs; packed ones (stride = item size) are read as they are."""

    def __init__(
        self, file: MappedFile, shape: tuple[int, ...], legacy: bool, dtype: str, runs: list[Run]
    ) -> None:
        self.file, self.shape, self.legacy = file, shape, legacy
        self.dtype, self.runs = np.dtype(dtype), runs

    def _view(self, run: Run) -> Array:
        return np.ndarray((run.count,), self.dtype, self.file.data, run.offset, (run.stride,))

    def array(self) -> Array:
        parts = [self._view(run) for run in self.runs]
        values = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, self.dtype), *parts])
        return values.reshape(self.shape)

    def read_into(self, out: Array) -> None:
        flat = out.reshape(-1)
        done = 0
        for run in self.runs:
            target = flat[done : done + run.count]
            done += run.count
            if run.stride == self.dtype.itemsize and self.dtype == flat.dtype:
                self.file.read_into(run.offset, target)
            else:
                self._convert(run, target)

    def _convert(self, run: Run, target: Array) -> None:
        """Copy through a buffer, so that the file's pages do not add up in memory."""
        buffer = np.empty(min(run.count, CHUNK) * run.stride, np.uint8)
        for start in range(0, run.count, CHUNK):
            count = min(CHUNK, run.count - start)
            # The last number of a run is not followed by the bytes that part it from the next.
            used = buffer[: (count - 1) * run.stride + self.dtype.itemsize]
            self.file.read_into(run.offset + start * run.stride, used)
            target[start : start + count] = np.ndarray(
                (count,), self.dtype, buffer, 0, (run.stride,)
            )
