"""A writer of LMDBs in the form of convert_imageset: numbered keys, one serialized Datum each."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from caffe_lite.errors import DataError

_COMMIT_EVERY = 1000  # records


class LmdbWriter:
    """Write records in order under the keys 00000000, 00000001, ..., or 00000000_name, ...

    The database is written in a folder next to `path` and moved there when the `with` block ends;
    if the block raises, nothing is left. An existing database is an error unless `replace` is set.
    """

    def __init__(self, path: str | os.PathLike[str], replace: bool = False) -> None:
        self.path = Path(path)
        if (self.path / "data.mdb").exists() and not replace:
            raise DataError(f"{self.path}: exists already; remove it or write elsewhere")
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        self._pending: list[tuple[bytes, bytes]] = []
        self._map_size = 64 << 20
        self.count = 0

    def __enter__(self) -> "LmdbWriter":
        import lmdb

        self._lmdb = lmdb
        shutil.rmtree(self._partial, ignore_errors=True)
        with self._failures_named():
            self._partial.mkdir(parents=True)
            self._environment = lmdb.open(str(self._partial), map_size=self._map_size, sync=False)
        return self

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Failures of the file system and of LMDB become a DataError; nothing partial is left."""
        try:
            yield
        except (self._lmdb.Error, OSError) as error:
            shutil.rmtree(self._partial, ignore_errors=True)
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{self.path}: cannot be written: {reason}") from None

    def put(self, record: bytes, name: str = "") -> None:
        """Add one record; `name` is appended to its key, as convert_imageset does the file's."""
        key = f"{self.count:08d}_{name}" if name else f"{self.count:08d}"
        self.put_under(key.encode(), record)

    def put_under(self, key: bytes, record: bytes) -> None:
        """Add one record under a key; keys may come in any order."""
        self._pending.append((key, record))
        self.count += 1
        if len(self._pending) == _COMMIT_EVERY:
            self._commit()

    def _commit(self) -> None:
        with self._failures_named():
            while not self._try_commit():
                self._map_size *= 2
                self._environment.set_mapsize(self._map_size)
        self._pending.clear()

    def _try_commit(self) -> bool:
        try:
            with self._environment.begin(write=True) as transaction:
                for key, record in self._pending:
                    transaction.put(key, record)
        except self._lmdb.MapFullError:
            return False
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._commit()
                with self._failures_named():
                    self._environment.sync(True)
                    self._environment.close()
                    self.path.mkdir(exist_ok=True)
                    os.replace(self._partial / "data.mdb", self.path / "data.mdb")
        finally:
            self._environment.close()
            shutil.rmtree(self._partial, ignore_errors=True)
