"""LMDB as a source of records."""

import os
from collections.abc import Iterator
from pathlib import Path

from caffe_lite.data.lmdb_file import LmdbFile
from caffe_lite.data.source import Source
from caffe_lite.errors import DataError


class LmdbSource(Source):
    """The records of an LMDB, a directory with `data.mdb` or such a file itself; see `Source`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path))
        file = Path(path, "data.mdb") if os.path.isdir(path) else Path(path)
        if not file.exists():
            raise DataError(f"{self.path}: no LMDB database here ({file} does not exist)")
        self._file: LmdbFile | None = LmdbFile(file)
        self._length = self._file.count
        if not self._length:
            raise DataError(f"{self.path}: the database is empty; fill it before training")

    def __len__(self) -> int:
        return self._length

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        if self._file is None:
            raise DataError(f"{self.path}: the source was closed")
        return self._file.records(position)

    def close(self) -> None:
        self._records = None
        if self._file is not None:
            self._file.close()
            self._file = None
