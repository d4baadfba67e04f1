"""A file as read-only memory, and blobs that lie in it as runs of equally spaced numbers."""

import hashlib
import io
import mmap
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.files import StrPath
from caffe_lite.types import Array
from caffe_lite.weights.checksum import CHUNK, LARGE, FileIdentity, LargeDigest, Piece, digest
from caffe_lite.weights.stored import StoredBlob

CONVERTED = 1 << 20  # elements converted at once
MEND = (
    "copy it again or use another snapshot (a program that edited it must also remove the old "
    "checksum, as `caffe_lite upgrade net IN OUT` does for a net)"
)


class MappedFile:
    """The file at `path`: `data` maps it, `read_into` fills arrays without touching mapped pages.

    A pipe (`<(gunzip -c net.caffemodel.gz)`) is first copied to a temporary file, and `piped` is
    true. So is `contents`, if given, in place of a file; `path` is then its name in errors. Raises
    ModelError if the file cannot be opened or is empty.

    With a checksum (`check_pieces`, which sets `checked`) every value is verified before or while
    it is read.
    """

    def __init__(self, path: StrPath, contents: bytes | None = None) -> None:
        self.path = os.fspath(path)
        self.fields_read = 0  # fields of messages read so far
        file = self._opened() if contents is None else io.BytesIO(contents)
        self.piped = contents is not None or stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
        if self.piped:
            file = self._copy_of(file)
        self._file = file
        self._unverified: dict[int, Piece] = {}  # large ones, by offset
        self.checked = False
        weakref.finalize(self, file.close)
        self.size = os.fstat(file.fileno()).st_size
        if self.size == 0:
            raise ModelError(f"{self.path}: the file is empty")
        try:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.path}: cannot be read: {error}") from None

    def _opened(self) -> Any:
        try:
            return open(self.path, "rb", buffering=0)
        except FileNotFoundError:
            folder = os.path.dirname(os.path.abspath(self.path))
            raise ModelError(f"{self.path}: no such file (looked in {folder})") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ModelError(f"{self.path}: cannot be read: {reason}") from None

    def _copy_of(self, pipe: Any) -> Any:
        kept = tempfile.TemporaryFile(buffering=0)
        try:
            with pipe:
                shutil.copyfileobj(pipe, kept)
        except OSError as error:
            kept.close()
            raise ModelError(
                f"{self.path}: cannot be copied to {tempfile.gettempdir()}: {error.strerror}"
            ) from None
        return kept

    def check_pieces(self, pieces: Iterable[Piece]) -> None:
        """Verify small pieces now, and large ones when they are read; ModelError for damage."""
        self.checked = True
        for piece in pieces:
            if piece.size >= LARGE:
                self._unverified[piece.offset] = piece
            elif digest(self.data[piece.offset : piece.stop]) != piece.digest:
                raise self._damaged(piece)

    def verify(self) -> None:
        """Verify all that has not been read yet; ModelError for damage."""
        self.verify_range(0, self.size)

    def identity(self) -> FileIdentity:
        """The file's size and hash; reads all of it."""
        hashed, buffer = hashlib.sha256(), np.empty(CHUNK, np.uint8)
        for start in range(0, self.size, CHUNK):
            part = buffer[: min(CHUNK, self.size - start)]
            self._file.seek(start)
            self._fill(part.data)
            hashed.update(part.data)
        return FileIdentity(self.size, hashed.hexdigest())

    def verify_range(self, start: int, stop: int) -> None:
        """Verify what has not been read yet of bytes `start` to `stop`."""
        for piece in list(self._unverified.values()):
            if piece.offset < stop and start < piece.stop:
                buffer = np.empty(CHUNK, np.uint8)
                self._read_piece(piece, partial(_front, buffer))

    def _read_piece(self, piece: Piece, target: Callable[[int, int], Array]) -> None:
        """Read a piece into `target(start, stop)`, a chunk at a time, and verify it."""
        found = LargeDigest()
        self._file.seek(piece.offset)
        for start in range(0, piece.size, CHUNK):
            part = target(start, min(start + CHUNK, piece.size))
            self._fill(part.data)
            found.add(part)
        if found.digest() != piece.digest:
            raise self._damaged(piece)
        del self._unverified[piece.offset]

    def _damaged(self, piece: Piece) -> ModelError:
        return ModelError(
            f"{self.path}: damaged: bytes {piece.offset} to {piece.stop - 1} are not those that "
            f"were written; {MEND}"
        )

    def read_into(self, offset: int, out: Array) -> None:
        """Fill `out`, a contiguous array, with the bytes at `offset`.

        A whole piece of the checksum is verified on the way, a part of one before.
        """
        flat = out.reshape(-1).view(np.uint8)
        piece = self._unverified.get(offset)
        if piece is not None and piece.size == len(flat):
            self._read_piece(piece, lambda start, stop: flat[start:stop])
            return
        self.verify_range(offset, offset + len(flat))
        self._file.seek(offset)
        self._fill(flat.data)

    def _fill(self, view: memoryview) -> None:
        while view:
            count = self._file.readinto(view)
            if not count:
                raise ModelError(f"{self.path}: became shorter while it was read")
            view = view[count:]


def _front(buffer: Array, start: int, stop: int) -> Array:
    return buffer[: stop - start]


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
        self._dtype, self.runs = np.dtype(dtype), runs

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def _view(self, run: Run) -> Array:
        return np.ndarray((run.count,), self.dtype, self.file.data, run.offset, (run.stride,))

    def array(self) -> Array:
        for run in self.runs:
            self.file.verify_range(run.offset, run.offset + run.count * run.stride)
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
        """Copy through a buffer, so that mapped pages of the file do not add up in memory."""
        buffer = np.empty(min(run.count, CONVERTED) * run.stride, np.uint8)
        for start in range(0, run.count, CONVERTED):
            count = min(CONVERTED, run.count - start)
            # The last number of a run has no bytes between it and a next one.
            used = buffer[: (count - 1) * run.stride + self.dtype.itemsize]
            self.file.read_into(run.offset + start * run.stride, used)
            target[start : start + count] = np.ndarray(
                (count,), self.dtype, buffer, 0, (run.stride,)
            )
