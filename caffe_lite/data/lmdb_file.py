"""A reader of LMDB 0.9 files: records in the leaves of a B+tree of pages.

Little-endian, as 64-bit processors write it; all offsets are in bytes::

    page    number u64, unused u16, flags u16, lower u16, upper u16, then what the flags say
    meta    pages 0 and 1, written in turn: magic, version, ..., two trees, last page, transaction;
            the first tree lists free pages and holds the page size, the second is the data
    branch  (lower - 16) / 2 offsets u16 of nodes, each the number of a page a level below
    leaf    as many offsets of nodes, each with a key and a value
    value   in the node, or on pages of its own ("overflow"), whose count is lower | upper << 16
    node    low u16, high u16, flags u16, length of the key u16, the key, the value

liblmdb trusts the file, and a damaged one can end the process. Here every number is checked
before it is used.
"""

import os
import struct
import weakref
from collections.abc import Iterator

from caffe_lite.errors import DataError
from caffe_lite.proto.files import open_input
from caffe_lite.proto.sniff import describe

_PAGE = struct.Struct("<QHHHH")
_META = struct.Struct(
    "<II16x"  # magic, version
    "I44x"  # of the first tree: page size
    "4xHH24xQQ"  # of the second: flags, levels, records, root
    "QQ"  # last page, transaction
)
_NODE = struct.Struct("<HHHH")
_NUMBER = struct.Struct("<Q")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_KINDS = {_BRANCH: "branch", _LEAF: "leaf", _OVERFLOW: "large value"}
_DIRTY = 0x10
_ON_OTHER_PAGES = 1  # flag of a node
_NO_PAGE = 2**64 - 1  # the root of an empty tree
_MOST_LEVELS = 32
_LEAST_RECORD = 11  # bytes: its offset, the node's head and a key of one byte
_MAGIC_BYTES = slice(16, 20)  # of the file: behind the head of the first page


def is_lmdb(head: bytes) -> bool:
    """Whether a file that begins with `head` (20 bytes or more) is an LMDB."""
    return head[_MAGIC_BYTES] == _MAGIC.to_bytes(4, "little")


class LmdbFile:
    """An LMDB's file, open for reading; `count` is the number of its records.

    Raises DataError for a file that is not an LMDB, or truncated. Damage is found when it is read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with open_input(path, lambda reason: DataError(f"{self.path}: {reason}"), False) as file:
            self._handle = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self._handle)
        first = self._meta(0)
        self._page_size, self._last = first[2], first[-2]
        self._check_size()
        # The other meta page belongs to the transaction before or after.
        newest = max(first, self._meta(self._page_size), key=lambda meta: meta[-1])
        _, _, _, flags, self._levels, self.count, self._root, self._last, _ = newest
        self._check_size()
        self._in_order = flags == 0  # other flags change how keys are compared
        if self._root != _NO_PAGE and not 0 < self._levels <= _MOST_LEVELS:
            raise self._damage(f"a tree of {self._levels} levels")
        if self.count * _LEAST_RECORD > os.fstat(self._handle).st_size:
            raise self._damage(f"{self.count} records")

    def _meta(self, offset: int) -> tuple[int, ...]:
        size = _PAGE.size + _META.size
        meta = _META.unpack_from(self._read(offset, size).ljust(size, b"\0"), _PAGE.size)
        page_size = meta[2] if meta[0] == _MAGIC else 0
        if not 512 <= page_size <= 65536 or page_size & (page_size - 1):
            kind = describe(self._read(0, 256))
            reason = f"this is {kind}, not an LMDB" if kind else "not an LMDB database"
            raise DataError(f"{self.path}: {reason}; fetch or convert it")
        if meta[1] != _VERSION:
            raise DataError(
                f"{self.path}: an LMDB of format {meta[1]}; Caffe's are of format {_VERSION}"
            )
        return meta

    def _check_size(self) -> None:
        size, need = os.fstat(self._handle).st_size, (self._last + 1) * self._page_size
        if size < need:
            raise DataError(f"{self.path}: truncated: {size} bytes of {need}; copy it again")

    def records(self, position: int = 0) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in the order of keys, from record `position` to the last."""
        if self._root == _NO_PAGE:
            return
        found, before = 0, b""
        for number, page in self._leaves(self._root, self._levels):
            offsets = self._offsets(number, page)
            for offset in offsets[max(position - found, 0) :]:
                key, value = self._record(number, page, offset)
                if key <= before and self._in_order:
                    raise self._damage(f"a key of page {number} is out of order")
                yield key, value
                before = key
            found += len(offsets)
            if found > self.count:  # a damaged tree may lead to the same pages without end
                break
        if found != self.count:
            raise self._damage(f"it holds {found} records but announces {self.count}")

    def _leaves(self, number: int, levels: int) -> Iterator[tuple[int, bytes]]:
        """The leaves in and below a page, `levels` in all, with their numbers."""
        page = self._page(number, _BRANCH if levels > 1 else _LEAF)
        if levels == 1:
            yield number, page
            return
        for offset in self._offsets(number, page):
            low, high, top, _ = _NODE.unpack_from(page, offset)
            yield from self._leaves(low | high << 16 | top << 32, levels - 1)

    def _page(self, number: int, kind: int, size: int = 0) -> bytes:
        """The page `number`, or its first `size` bytes, checked to be of this kind."""
        if number > self._last:
            raise self._damage(f"page {number} of {self._last}")
        page = self._all(number * self._page_size, size or self._page_size)
        own, _, flags, *_ = _PAGE.unpack_from(page)
        if own != number or flags & ~_DIRTY != kind:
            raise self._damage(f"page {number} is not a {_KINDS[kind]} page")
        return page

    def _offsets(self, number: int, page: bytes) -> tuple[int, ...]:
        """The offsets of the nodes of a page."""
        *_, lower, _ = _PAGE.unpack_from(page)
        count, odd = divmod(lower - _PAGE.size, 2)
        if count < 1 or odd or lower > len(page):
            raise self._damage(f"page {number} declares {count} nodes")
        offsets = struct.unpack_from(f"<{count}H", page, _PAGE.size)
        if max(offsets) + _NODE.size > len(page):
            raise self._damage(f"a node of page {number} is outside it")
        return offsets

    def _record(self, number: int, page: bytes, offset: int) -> tuple[bytes, bytes]:
        low, high, flags, length = _NODE.unpack_from(page, offset)
        start, size = offset + _NODE.size + length, low | high << 16
        key = page[start - length : start]
        if flags & ~_ON_OTHER_PAGES:
            raise self._damage(f"page {number} has several records for one key")
        end = start + (_NUMBER.size if flags else size)
        if end > len(page):
            raise self._damage(f"a record of page {number} ends outside it")
        if flags:
            return key, self._large(_NUMBER.unpack_from(page, start)[0], size)
        return key, page[start:end]

    def _large(self, number: int, size: int) -> bytes:
        """A value of `size` bytes that starts on page `number`."""
        *_, low, high = _PAGE.unpack(self._page(number, _OVERFLOW, _PAGE.size))
        pages = low | high << 16
        if pages * self._page_size < _PAGE.size + size or number + pages - 1 > self._last:
            raise self._damage(f"{size} bytes do not fit in the {pages} pages from {number} on")
        return self._all(number * self._page_size + _PAGE.size, size)

    def _all(self, offset: int, size: int) -> bytes:
        data = self._read(offset, size)
        if len(data) != size:
            raise self._damage(f"expected {size} bytes at {offset}, got {len(data)}")
        return data

    def _read(self, offset: int, size: int) -> bytes:
        try:
            os.lseek(self._handle, offset, os.SEEK_SET)
            return os.read(self._handle, size)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from None

    def _damage(self, what: str) -> DataError:
        return DataError(f"{self.path}: damaged ({what}); copy it again or write it again")
