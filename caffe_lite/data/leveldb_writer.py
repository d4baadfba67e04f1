"""A writer of LevelDBs, through the optional package plyvel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_folder
from caffe_lite.proto.foreign import foreign

_COMMIT_EVERY = 1000  # records


class LeveldbWriter:
    """Writes records into an open LevelDB, in batches; `new_leveldb` makes one."""

    def __init__(self, database: Any, path: str) -> None:
        self._database, self._path = database, path
        self._batch = database.write_batch()
        self._pending = 0

    def put_under(self, key: bytes, record: bytes) -> None:
        """Add one record under a key; keys may come in any order."""
        self._batch.put(key, record)
        self._pending += 1
        if self._pending == _COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Write the records that are still in memory; DataError if that fails."""
        with _failures_of(self._path):
            self._batch.write()
        self._batch, self._pending = self._database.write_batch(), 0


@contextmanager
def new_leveldb(path: str | os.PathLike[str]) -> Iterator[LeveldbWriter]:
    """Yield a writer of the new database `path`, a folder that appears when the block ends.

    If the block raises, nothing is left. Raises DataError for a path that exists already.
    """
    name = os.fspath(path)
    if os.path.lexists(name):
        raise DataError(f"{name}: exists already; remove it or write elsewhere")
    try:
        import plyvel
    except ImportError:
        raise DataError(
            f"{name}: LevelDB needs the package plyvel; pip install 'caffe_lite[leveldb]', "
            "or write an LMDB"
        ) from None
    with atomic_folder(name) as folder:
        with _failures_of(name):  # opened with Caffe's options
            database = plyvel.DB(
                str(folder), create_if_missing=True, block_size=65536, write_buffer_size=2**28
            )
        try:
            writer = LeveldbWriter(database, name)
            yield writer
            writer.commit()
        finally:
            database.close()


def _failures_of(path: str) -> Any:
    return foreign(lambda reason: DataError(f"{path}: cannot be written: {reason}"))
