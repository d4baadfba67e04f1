"""BlobProtos written in parts, so that a large net is not in memory twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from caffe_lite.proto.wire import LENGTH, tag_bytes, varint_bytes
from caffe_lite.types import Array
from caffe_lite.weights.caffemodel import DATA, DOUBLE_DATA, SHAPE

if TYPE_CHECKING:
    from caffe_lite.backend import Ops

DIFF, DOUBLE_DIFF = 6, 9


class BlobWriter:
    """One BlobProto to be written; its size is known before its values leave the device.

    `arrays` are the data and, optionally, the diff: device arrays of one shape, float32 or float64.
    """

    def __init__(self, ops: Ops, *arrays: Array) -> None:
        self.ops, self.arrays = ops, arrays
        first = arrays[0]
        self.double = first.dtype.itemsize == 8
        dims = b"".join(varint_bytes(dim) for dim in first.shape)
        packed = _delimited(1, len(dims)) + dims if dims else b""
        self._shape = _delimited(SHAPE, len(packed)) + packed
        numbers = (DOUBLE_DATA, DOUBLE_DIFF) if self.double else (DATA, DIFF)
        size = first.size * first.dtype.itemsize
        self._heads = [
            _delimited(number, size) if size else b""
            for number, _ in zip(numbers, arrays, strict=False)
        ]
        self.size = len(self._shape) + sum(len(head) + size for head in self._heads)

    def parts(self) -> Iterator[bytes | memoryview]:
        """The message's bytes, fields in the order of their numbers."""
        if self.double:
            yield self._shape
        for head, array in zip(self._heads, self.arrays, strict=True):
            yield head
            host = np.ascontiguousarray(self.ops.to_host(array))
            little = host.astype(host.dtype.newbyteorder("<"), copy=False)
            yield little.reshape(-1).view(np.uint8).data
        if not self.double:
            yield self._shape


def _delimited(number: int, size: int) -> bytes:
    return tag_bytes(number, LENGTH) + varint_bytes(size)


def message_parts(
    number: int, head: bytes, blobs_number: int, blobs: Iterable[BlobWriter]
) -> Iterator[bytes | memoryview]:
    """A nested message in field `number`: the fields in `head`, then blobs in `blobs_number`."""
    writers = list(blobs)
    size = len(head) + sum(len(_delimited(blobs_number, w.size)) + w.size for w in writers)
    yield _delimited(number, size)
    yield head
    for writer in writers:
        yield from blob_parts(blobs_number, writer)


def blob_parts(number: int, writer: BlobWriter) -> Iterator[bytes | memoryview]:
    """The blob in field `number`."""
    yield _delimited(number, writer.size)
    yield from writer.parts()
