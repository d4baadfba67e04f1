"""Source: records read in key order, cyclically; what the Data layer draws its datums from."""

from collections.abc import Iterator

from caffe_lite.errors import DataError


class Source:
    """A read-only store of records, read in key order; the first follows the last.

    `cursor` counts the records read in the current pass; `seek(cursor)` returns to that point.
    `place` names the record read last, for error messages. Only one thread at a time may use a
    source.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.cursor = 0
        self._records: Iterator[tuple[bytes, bytes]] | None = None
        self._key = b""

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) from record `position` to the last."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def next(self) -> bytes:
        """The next record's value."""
        if self._records is None:
            self._records = self._read_from(self.cursor)
        record = next(self._records, None)
        if record is None:
            self._records, self.cursor = self._read_from(0), 0
            record = next(self._records, None)
        if record is None:
            raise DataError(f"{self.path}: the database is empty; fill it before training")
        self.cursor += 1
        self._key = record[0]
        return record[1]

    def seek(self, position: int) -> None:
        """Make record `position` (counted in key order, modulo the length) the next one."""
        self.cursor = position % len(self)
        self._records = None

    @property
    def place(self) -> str:
        key = self._key.decode(errors="replace")
        shown = "".join(each if each.isprintable() else "?" for each in key)
        return f'{self.path}, key "{shown}"'

    def close(self) -> None:
        """Close the store; nothing can be read from it afterwards."""
