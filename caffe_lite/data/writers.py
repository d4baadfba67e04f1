"""New databases of records, by the names of their backends."""

import os
from contextlib import AbstractContextManager
from typing import Protocol

from caffe_lite.data.leveldb_writer import new_leveldb
from caffe_lite.data.lmdb_writer import LmdbWriter


class RecordWriter(Protocol):
    """What records are written to."""

    def put_under(self, key: bytes, record: bytes) -> None:
        """Add one record under a key."""


BACKENDS = ("lmdb", "leveldb")


def new_database(
    path: str | os.PathLike[str], backend: str
) -> AbstractContextManager[RecordWriter]:
    """A context with a writer for the new database `path`; `backend` is one of `BACKENDS`.

    The database appears when the block ends; if it raises, nothing is left. Raises DataError if
    `path` exists already or cannot be written.
    """
    return LmdbWriter(path) if backend == "lmdb" else new_leveldb(path)
