"""LevelDB as a source of records, through the optional package plyvel."""

import os
import weakref
from collections.abc import Iterator
from itertools import islice
from typing import Any

from caffe_lite.data.source import Source
from caffe_lite.errors import DataError


class _Database:
    """An open LevelDB. LevelDB locks its folder, so the nets of one process share this.

    It closes when the last of them and of its iterators is gone; closing it under an iterator,
    as the collector of cycles might, would crash plyvel.
    """

    _open: "weakref.WeakValueDictionary[str, _Database]" = weakref.WeakValueDictionary()

    def __init__(self, path: str) -> None:
        try:
            import plyvel
        except ImportError:
            raise DataError(
                f"{path}: LevelDB needs the package plyvel; pip install 'caffe_lite[leveldb]', "
                "or convert the data to LMDB"
            ) from None
        if not os.path.isfile(os.path.join(path, "CURRENT")):
            raise DataError(f"{path}: no LevelDB database here (a folder with CURRENT is expected)")
        self.error: Any = plyvel.Error
        try:
            self.leveldb = plyvel.DB(path, create_if_missing=False)
        except plyvel.Error as error:
            raise DataError(f"{path}: the LevelDB database cannot be opened: {error}") from None
        self.length = sum(1 for _ in self.leveldb.iterator(include_value=False))
        if self.length == 0:
            raise DataError(f"{path}: the database is empty; fill it before training")

    @classmethod
    def at(cls, path: str) -> "_Database":
        key = os.path.realpath(path)
        database = cls._open.get(key)
        if database is None:
            database = cls._open[key] = cls(path)
        return database


class LeveldbSource(Source):
    """The records of a LevelDB folder; see `Source`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path))
        self._database: _Database | None = _Database.at(self.path)
        self._length = self._database.length

    def __len__(self) -> int:
        return self._length

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        database = self._database
        if database is None:
            raise DataError(f"{self.path}: the source was closed")
        try:
            with database.leveldb.iterator() as records:
                yield from islice(records, position, None)
        except database.error as error:
            raise DataError(f"{self.place}: damaged ({error}); write the database anew") from None

    def close(self) -> None:
        self._records = None
        self._database = None
