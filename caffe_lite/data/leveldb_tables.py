"""Checks of those parts of a LevelDB's files that the library itself does not verify.

A table ends in a footer of 48 bytes without a checksum: two block handles (offset and size as
varints), padding, and a magic number. LevelDB allocates whatever size it finds there and aborts the
process if that fails. Everything else in its files has checksums, which `paranoid_checks` verifies.
"""

import os
import stat

from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import foreign

_FOOTER = 48
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_BLOCK_END = 5  # bytes after each block: its compression and checksum
_TABLES = (".ldb", ".sst")


def check_tables(folder: str) -> None:
    """Raise DataError unless `folder` holds regular files and each table's footer is sound."""
    with (
        foreign(lambda reason: DataError(f"{folder}: cannot be read: {reason}")),
        os.scandir(folder) as entries,
    ):
        for entry in entries:
            status = entry.stat()
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise DataError(f"{entry.path}: is not a regular file; a LevelDB has no other kind")
            if entry.name.endswith(_TABLES) and not _sound(entry.path, status.st_size):
                raise DataError(
                    f"{entry.path}: damaged or cut short (its footer); copy the database again "
                    "or write it again"
                )


def _sound(path: str, size: int) -> bool:
    if size < _FOOTER:
        return False
    with open(path, "rb") as file:
        file.seek(size - _FOOTER)
        footer = file.read(_FOOTER)
    if not footer.endswith(_MAGIC):
        return False
    position = 0
    for _ in ("metaindex", "index"):
        offset, position = _varint(footer, position)
        length, position = _varint(footer, position)
        if offset + length + _BLOCK_END > size - _FOOTER:
            return False
    return position <= _FOOTER - len(_MAGIC)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return value, position
