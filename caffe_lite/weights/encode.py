"""BlobProtos written in parts, so that a large net is not in memory twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from caffe_lite.proto.wire import LENGTH, VARINT, tag_bytes, varint_bytes
from caffe_lite.types import Array
from caffe_lite.weights.caffemodel import DATA, DOUBLE_DATA, LEGACY_DIMS, SHAPE

if TYPE_CHECKING:
    from caffe_lite.backend import Ops

DIFF, DOUBLE_DIFF = 6, 9


class BlobWriter:
    """One BlobProto to be written; its size is known before its values are read.

    `read` has a function for the data and, optionally, one for the diff; they return host arrays of
    `shape`, which become float64 if `double`, else float32. With `legacy` the shape, of four axes,
    is written as num, channels, height and width.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        double: bool,
        read: Sequence[Callable[[], Array]],
        legacy: bool = False,
    ) -> None:
        self.double, self._read = double, read
        self._dims = _legacy_shape(shape) if legacy else b""
        self._shape = b"" if legacy else _shape(shape)
        numbers = (DOUBLE_DATA, DOUBLE_DIFF) if double else (DATA, DIFF)
        size = prod(shape) * (8 if double else 4)
        self._heads = [
            _delimited(number, size) if size else b""
            for number, _ in zip(numbers, read, strict=False)
        ]
        shapes = len(self._dims) + len(self._shape)
        self.size = shapes + sum(len(head) + size for head in self._heads)

    @classmethod
    def of(cls, ops: Ops, *arrays: Array) -> BlobWriter:
        """Of device arrays of one shape, float32 or float64: the data and, optionally, the diff."""
        first = arrays[0]
        read = [partial(ops.to_host, array) for array in arrays]
        return cls(tuple(first.shape), first.dtype.itemsize == 8, read)

    def parts(self) -> Iterator[bytes | memoryview]:
        """The message's bytes, fields in the order of their numbers."""
        yield self._dims
        if self.double:
            yield self._shape
        for head, read in zip(self._heads, self._read, strict=True):
            yield head
            host = np.ascontiguousarray(read())
            little = host.astype("<f8" if self.double else "<f4", copy=False)
            yield little.reshape(-1).view(np.uint8).data
        if not self.double:
            yield self._shape


def _shape(shape: tuple[int, ...]) -> bytes:
    dims = b"".join(varint_bytes(dim) for dim in shape)
    packed = _delimited(1, len(dims)) + dims if dims else b""
    return _delimited(SHAPE, len(packed)) + packed


def _legacy_shape(shape: tuple[int, ...]) -> bytes:
    pairs = zip(LEGACY_DIMS, shape, strict=True)
    return b"".join(tag_bytes(number, VARINT) + varint_bytes(dim) for number, dim in pairs)


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
