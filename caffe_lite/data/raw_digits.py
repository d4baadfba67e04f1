"""The files that MNIST and CIFAR-10 come in, as the records that Caffe's examples write.

MNIST's are IDX files: a big-endian magic number, the sizes, then a byte for each pixel or label.
CIFAR-10's binary version has a byte for the label, then 3 x 32 x 32 pixels (R, G, B).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from caffe_lite.errors import DataError
from caffe_lite.proto import schema
from caffe_lite.proto.files import read_input
from caffe_lite.proto.sniff import describe

_IMAGES, _LABELS = 2051, 2049  # magic numbers
CIFAR_SIDE = 32
CIFAR_RECORD = 1 + 3 * CIFAR_SIDE**2  # bytes


def mnist_records(images: str, labels: str) -> tuple[tuple[int, int, int], Iterator[bytes]]:
    """(count, rows, columns) of an IDX file of images, and a serialized Datum for each.

    Raises DataError for files that are not a pair of IDX files, or are cut short.
    """
    pixels, answers = _read(images), _read(labels)
    count, rows, columns = _header(pixels, images, _IMAGES, "images", 3)
    (label_count,) = _header(answers, labels, _LABELS, "labels", 1)
    if count != label_count:
        raise DataError(f"{images} has {count} images, {labels} {label_count} labels; take a pair")

    def records() -> Iterator[bytes]:
        size = rows * columns
        for i in range(count):
            data = pixels[16 + i * size : 16 + (i + 1) * size]
            yield _datum((1, rows, columns), data, answers[8 + i])

    return (count, rows, columns), records()


def cifar_records(path: str) -> Iterator[bytes]:
    """A serialized Datum for each image of a batch of CIFAR-10's binary version.

    Raises DataError for a file that is not made of whole records.
    """
    data = _read(path)
    if not data or len(data) % CIFAR_RECORD:
        raise DataError(
            f"{path}: {len(data)} bytes are not a number of records of {CIFAR_RECORD} bytes; "
            "the binary version of CIFAR-10 is needed, whole"
        )
    for start in range(0, len(data), CIFAR_RECORD):
        pixels = data[start + 1 : start + CIFAR_RECORD]
        yield _datum((3, CIFAR_SIDE, CIFAR_SIDE), pixels, data[start])


def _read(path: str) -> bytes:
    return read_input(path, lambda reason: DataError(f"{path}: {reason}"))


def _header(data: bytes, path: str, magic: int, what: str, axes: int) -> tuple[int, ...]:
    """The sizes in the header of an IDX file, checked against the length of the file."""
    if len(data) < 4 + 4 * axes or struct.unpack_from(">I", data)[0] != magic:
        kind = describe(data[:256]) or "another file"
        raise DataError(f"{path}: not an IDX file of {what} but {kind}; unpack it, or take another")
    sizes: tuple[int, ...] = struct.unpack_from(f">{axes}I", data, 4)
    expected = 4 + 4 * axes
    values = 1
    for size in sizes:
        values *= size
    if len(data) < expected + values:
        raise DataError(
            f"{os.fspath(path)}: {len(data)} bytes, but its header says {expected + values}; the "
            "file is cut short, fetch it again"
        )
    return sizes


def _datum(shape: tuple[int, int, int], data: bytes, label: int) -> bytes:
    channels, height, width = shape
    datum = schema.Datum(channels=channels, height=height, width=width, data=data, label=label)
    serialized: bytes = datum.SerializeToString()
    return serialized
