"""CRC-32s of the arrays of a file, verified on request."""

import zlib
from dataclasses import dataclass

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.foreign import shorten
from caffe_lite.types import Array
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.stored import StoredBlob

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Sum:
    """The CRC-32 of `size` bytes at `offset`, which hold the array `name`."""

    name: str
    offset: int
    size: int
    crc: int


class Sums:
    """The sums of a file; each is verified once."""

    def __init__(self, file: MappedFile, sums: list[Sum]) -> None:
        self._file, self._left = file, sums

    def verify(self) -> None:
        """Raise ModelError for the first array that is not what was written."""
        buffer: Array = np.empty(_CHUNK, np.uint8)
        while self._left:
            each, crc = self._left[-1], 0
            for start in range(0, each.size, _CHUNK):
                part = buffer[: min(_CHUNK, each.size - start)]
                self._file.read_into(each.offset + start, part)
                crc = zlib.crc32(part.data, crc)
            if crc != each.crc:
                raise ModelError(
                    f'{self._file.path}: damaged: the bytes of "{shorten(each.name)}" are not '
                    "those that were written; copy it again"
                )
            self._left.pop()


def bytes_of(blob: StoredBlob) -> memoryview:
    """The values of a blob as little-endian bytes in row-major order."""
    array: Array = np.ascontiguousarray(blob.array())
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return little.reshape(-1).view(np.uint8).data


def crc_of(blob: StoredBlob) -> int:
    """The CRC-32 of a blob's bytes."""
    return zlib.crc32(bytes_of(blob))
