"""LMDB as a source of records."""

import os
import weakref
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from caffe_lite.data.sources import Source
from caffe_lite.errors import DataError


class _Environment:
    """An open LMDB. LMDB forbids opening one file twice in a process, so nets share this."""

    _open: "weakref.WeakValueDictionary[tuple[int, int], _Environment]"
    _open = weakref.WeakValueDictionary()

    def __init__(self, path: str, file: Path) -> None:
        import lmdb

        try:
            self.lmdb = lmdb.open(path, subdir=path != str(file), readonly=True, lock=False)
        except lmdb.Error as error:
            with file.open("rb") as start:
                pointer = start.read(8) == b"version "
            reason = "a Git LFS pointer, not the data" if pointer else "not an LMDB database"
            raise DataError(f"{path}: {reason} ({error}); fetch or convert it") from None
        pages = self.lmdb.info()["last_pgno"] + 1
        need = pages * self.lmdb.stat()["psize"]
        if file.stat().st_size < need:  # reading past the end of the map would kill the process
            size = file.stat().st_size
            raise DataError(f"{file}: truncated: {size} bytes of {need}; copy it again")
        if self.lmdb.stat()["entries"] == 0:
            raise DataError(f"{path}: the database is empty; fill it before training")

    @classmethod
    def at(cls, path: str) -> "_Environment":
        file = Path(path, "data.mdb") if os.path.isdir(path) else Path(path)
        try:
            status = file.stat()
        except OSError as error:
            raise DataError(f"{path}: no LMDB database here ({error.strerror}: {file})") from None
        key = (status.st_dev, status.st_ino)
        environment = cls._open.get(key)
        if environment is None:
            environment = cls._open[key] = cls(path, file)
        return environment


class LmdbSource(Source):
    """The records of an LMDB, a directory with `data.mdb` or such a file itself; see `Source`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path))
        self._environment: _Environment | None = _Environment.at(self.path)
        self._length = int(self._environment.lmdb.stat()["entries"])

    def __len__(self) -> int:
        return self._length

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        import lmdb

        environment: Any = self._environment
        if environment is None:
            raise DataError(f"{self.path}: the source was closed")
        try:
            with environment.lmdb.begin() as transaction:
                cursor = transaction.cursor()
                keys = cursor.iternext(values=False)
                next(islice(keys, position, None), None)
                yield from cursor.iternext()  # goes on from the key that the cursor is at
        except lmdb.Error as error:
            raise DataError(f"{self.place}: damaged ({error}); write the database anew") from None

    def close(self) -> None:
        self._records = None
        self._environment = None
