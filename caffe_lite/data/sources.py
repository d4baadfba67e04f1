"""Open a record store by the name of its database."""

from caffe_lite.data.source import Source
from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.proto import schema


def open_source(path: str, backend: int | str = "LEVELDB") -> Source:
    """Open the database at `path`; `backend` is a DataParameter.DB value or its name."""
    databases = schema.DataParameter.DB
    name = databases.Name(backend) if isinstance(backend, int) else backend.upper()
    if name == "LMDB":
        from caffe_lite.data.lmdb_source import LmdbSource

        return LmdbSource(path)
    if name == "LEVELDB":
        from caffe_lite.data.leveldb_source import LeveldbSource

        return LeveldbSource(path)
    hint = did_you_mean(name, databases.keys())
    raise DataError(f'{path}: unknown backend "{backend}"{hint}; LMDB and LEVELDB are known')
