"""LevelDB as a source of records, through the optional package plyvel."""

import os
import weakref
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from caffe_lite.data.leveldb_tables import check_tables
from caffe_lite.data.source import Source
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import foreign


class _Database:
    """An open LevelDB, shared by the nets of a process because LevelDB locks its folder.

    It closes when the last source and the last iterator are gone: plyvel crashes if a database is
    closed before its iterators, as the garbage collector might do.
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
        check_tables(path)
        self.path = path
        with self.reading():
            self._leveldb = plyvel.DB(path, create_if_missing=False, paranoid_checks=True)
            if next(self.records(), None) is None:
                raise DataError(f"{path}: the database is empty; fill it before training")

    def reading(self, place: str = "") -> Any:
        """A context in which whatever LevelDB raises becomes one error, at `place`."""
        return foreign(
            lambda reason: DataError(
                f"{place or self.path}: LevelDB reports: {reason}; if it is damaged, copy the "
                "database again or write it again"
            )
        )

    def records(self, values: bool = True) -> Any:
        """An iterator over (key, value), or over keys, that verifies checksums."""
        return iter(self._leveldb.iterator(include_value=values, verify_checksums=True))

    @cached_property
    def length(self) -> int:
        """The number of records, which LevelDB knows only by reading all keys."""
        with self.reading():
            return sum(1 for _ in self.records(values=False))

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

    def _opened(self) -> _Database:
        if self._database is None:
            raise DataError(f"{self.path}: the source was closed")
        return self._database

    def __len__(self) -> int:
        return self._opened().length

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        database = self._opened()
        with database.reading():
            records = database.records()
        try:
            wanted = islice(records, position, None)
            while True:
                with database.reading(self.place):
                    record = next(wanted, None)
                if record is None:
                    return
                yield record
        finally:
            records.close()

    def close(self) -> None:
        self._records = None
        self._database = None
