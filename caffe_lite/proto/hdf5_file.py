"""New HDF5 files, on a disk that may fill up while they are written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caffe_lite.proto.files import StrPath

if TYPE_CHECKING:
    import h5py


@contextmanager
def new_hdf5(path: StrPath, **options: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file at `path`; OSError if it could not be written whole.

    `options` are those of h5py.File.
    """
    import h5py

    target = Target(path)
    try:
        with h5py.File(target, "w", **options) as file:
            yield file
    finally:
        target.close()
    if target.error is not None:
        raise target.error


class Target:
    """The file that h5py writes to.

    The HDF5 library ends the process if it cannot write a file that it closes. So after a failed
    write, stored in `error`, the file continues in memory.
    """

    def __init__(self, path: StrPath) -> None:
        self._file: Any = open(path, "w+b", buffering=0)  # noqa: SIM115
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        while left:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self._continue_in_memory(error)
        return memoryview(data).nbytes

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._continue_in_memory(error)
            return self._file.truncate(size)

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        self._file.close()

    def _continue_in_memory(self, error: OSError) -> None:
        if self.error is not None:
            raise error
        self.error = error
        position = self._file.tell()
        self._file.seek(0)
        memory = io.BytesIO(self._file.read())
        memory.seek(position)
        self._file.close()
        self._file = memory
