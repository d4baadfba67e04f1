"""Checksums of weights and solver states: the file is covered piece by piece.

A file is cut into pieces at the ends of its large arrays, so that such a piece is verified while
its values are read, at hardly any cost; the small ones between them are verified at once. A
checksum is the list of the pieces, each with its digest, and a digest of that list. It lies where
Caffe's readers skip it: in a field of its own at the end of a binary message, or in an attribute of
an HDF5 file's root, which is then the one hole that the pieces leave.

A small piece is hashed. A large one is summed: the sums of its rows of 16 kB, as 64-bit words, are
hashed, which takes a tenth of the time of copying it. That finds any change of a bit or a word, any
run of wrong, missing or exchanged rows, and all but one in thousands of changes of several bits:
what a checksum guards against is accidents. A solver state names its weights by SHA-256.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.types import Array

FORMAT = 1  # of the files: to be raised when this version could not read what a later one writes

LARGE = 1 << 20  # bytes from which an array is a piece of its own, and a piece is summed
MOST_LARGE = 1000  # an HDF5 attribute holds 64 kB
ROW = 16384  # bytes
CHUNK = 32 * ROW  # summed while it is in the processor's cache
_PIECE = struct.Struct("<QQ8s")
_COUNT = struct.Struct("<Q")
_OWN = 8  # bytes of the list's own digest


class ChecksumError(ValueError):
    """A file whose bytes are not those that were written."""


def format_code(version: int = FORMAT) -> int:
    """A format version as it is stored: twice, so that damage is not taken for another version."""
    return version << 16 | (version ^ 0x5AA5)


def newer_format(code: int) -> str:
    """Says that a stored version is newer than this one can read; "" if it is not.

    Raises ChecksumError if it is damaged.
    """
    version = code >> 16
    if code != format_code(version) or version < 1:
        raise ChecksumError("its format version is damaged")
    if version <= FORMAT:
        return ""
    return f"written by a newer version of caffe_lite (format {version}, this one reads {FORMAT})"


@dataclass(frozen=True)
class FileIdentity:
    """What names the contents of a file."""

    size: int
    sha256: str


class LargeDigest:
    """The digest of a large piece, given in order; all parts but the last are whole rows."""

    def __init__(self) -> None:
        self._hash = _small_hash()
        self._size = 0

    def add(self, data: Array) -> None:
        """Take in a contiguous array of bytes."""
        whole = len(data) // ROW * ROW
        if whole:
            self._add_rows(data[:whole])
        if whole < len(data):
            padded = np.zeros(ROW, np.uint8)
            padded[: len(data) - whole] = data[whole:]
            self._add_rows(padded)
        self._size += len(data)

    def _add_rows(self, data: Array) -> None:
        words = data.view("<u8").reshape(-1, ROW // 8)
        self._hash.update(np.add.reduce(words, axis=1).astype("<u8", copy=False).data)

    def digest(self) -> bytes:
        self._hash.update(self._size.to_bytes(8, "little"))
        return self._hash.digest()


def _small_hash(data: Any = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=8)


def digest(data: Any) -> bytes:
    """The digest of a piece that lies in one contiguous buffer."""
    flat = np.frombuffer(data, np.uint8)
    if len(flat) < LARGE:
        return _small_hash(flat.data).digest()
    found = LargeDigest()
    for start in range(0, len(flat), CHUNK):
        found.add(flat[start : start + CHUNK])
    return found.digest()


@dataclass(frozen=True)
class Piece:
    """Bytes `offset` to `offset + size` of a file, and their digest."""

    offset: int
    size: int
    digest: bytes

    @property
    def stop(self) -> int:
        return self.offset + self.size


def to_bytes(pieces: Iterable[Piece]) -> bytes:
    """A checksum as it is stored: the number of pieces, the pieces, and the digest of those."""
    packed = [_PIECE.pack(each.offset, each.size, each.digest) for each in pieces]
    data = _COUNT.pack(len(packed)) + b"".join(packed)
    return data + _small_hash(data).digest()


def byte_count(pieces: int) -> int:
    """The size of a stored checksum of so many pieces."""
    return _COUNT.size + pieces * _PIECE.size + _OWN


def from_bytes(stored: bytes, size: int) -> list[Piece]:
    """The pieces of a stored checksum, which cover bytes 0 to `size` without a gap.

    Raises ChecksumError for anything else.
    """
    pieces = _unpack(stored)
    if _tile(pieces, 0) != size:
        raise ChecksumError("its checksum is of a file of another size")
    return pieces


def from_hole(stored: bytes, size: int) -> tuple[list[Piece], int]:
    """As `from_bytes`, for a checksum that lies in the file: the pieces, and where it lies."""
    pieces = _unpack(stored)
    hole = before = 0
    while before < len(pieces) and pieces[before].offset == hole:
        hole = pieces[before].stop
        before += 1
    if _tile(pieces[before:], hole + len(stored)) != size:
        raise ChecksumError("its checksum is of a file of another size")
    return pieces, hole


def _tile(pieces: Iterable[Piece], position: int) -> int:
    """Where pieces that begin at `position` end; ChecksumError if they leave a gap."""
    for piece in pieces:
        if piece.offset != position:
            raise ChecksumError("its checksum is of another file")
        position = piece.stop
    return position


def _unpack(stored: bytes) -> list[Piece]:
    count = _COUNT.unpack_from(stored)[0] if len(stored) >= byte_count(0) else -1
    end = byte_count(count) - _OWN
    own = stored[end : end + _OWN]
    if count < 0 or own != _small_hash(stored[:end]).digest() or any(stored[end + _OWN :]):
        raise ChecksumError("its checksum is damaged")
    return [Piece(*fields) for fields in _PIECE.iter_unpack(stored[_COUNT.size : end])]


class CheckedWriter:
    """Writes to a binary file, and adds up the pieces and the hash of all that is written."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._pieces: list[Piece] = []
        self._size = 0
        self._hash = hashlib.sha256()
        self._small, self._small_size = _small_hash(), 0

    def write(self, part: Any) -> None:
        """Write a contiguous buffer of bytes."""
        self._file.write(part)
        self._hash.update(part)
        if self._small_size + len(part) >= LARGE:
            self._end_small()
        if len(part) >= LARGE:
            self._add(len(part), digest(part))
        else:
            self._small.update(part)
            self._small_size += len(part)

    def _end_small(self) -> None:
        if self._small_size:
            self._add(self._small_size, self._small.digest())
            self._small, self._small_size = _small_hash(), 0

    def _add(self, size: int, value: bytes) -> None:
        self._pieces.append(Piece(self._size, size, value))
        self._size += size

    def checksum(self) -> bytes:
        """The checksum of what has been written so far, to be written next."""
        self._end_small()
        return to_bytes(self._pieces)

    def identity(self) -> FileIdentity:
        """The size and hash of what has been written so far."""
        return FileIdentity(self._size + self._small_size, self._hash.hexdigest())


def pieces_of(data: Any, arrays: Sequence[tuple[int, int]], hole: tuple[int, int]) -> list[Piece]:
    """The pieces of a whole file: `arrays` are (offset, size) of its large arrays, `hole` too."""
    cuts = {0, len(data)}
    for offset, size in (*arrays, hole):
        cuts |= {offset, offset + size}
    edges = sorted(cuts)
    flat = np.frombuffer(data, np.uint8)
    return [
        Piece(start, stop - start, digest(flat[start:stop]))
        for start, stop in zip(edges, edges[1:], strict=False)
        if start != hole[0]
    ]


def identity_of(data: Any) -> FileIdentity:
    """The size and hash of a file's bytes."""
    return FileIdentity(len(data), hashlib.sha256(data).hexdigest())
