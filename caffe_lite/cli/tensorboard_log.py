"""The file that `train --tensorboard` writes: TensorBoard's events, without its package.

The file is a sequence of records: the length (8 bytes), its checksum (4), a message
`tensorflow.Event`, its checksum (4); numbers little endian. The checksum is CRC-32C, rotated and
shifted. Source: TensorFlow's documentation of TFRecord, and tensorflow/core/util/event.proto.
"""

from __future__ import annotations

import math
import os
import platform
import struct
import time
from functools import cache

from caffe_lite.cli.log_output import LogOutput
from caffe_lite.cli.scalars import scalars
from caffe_lite.errors import UsageError
from caffe_lite.proto.wire import FIXED32, FIXED64, LENGTH, VARINT, tag_bytes, varint_bytes
from caffe_lite.solvers import events as ev

OPTION = "--tensorboard"


class TensorBoardLog:
    """A listener for a solver that writes its numbers to an event file in the folder `folder`.

    Tags are the phase and the number's name, as train/loss and test/accuracy; steps are
    iterations. Raises UsageError if the file cannot be created.
    """

    def __init__(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{OPTION}: {folder}: {error.strerror}") from error
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{platform.node()}.{os.getpid()}"
        self._output = LogOutput(os.path.join(folder, name), OPTION)
        version = _delimited(3, b"brain.Event:2")
        self._output.write(record(_wall_time(now) + version))

    def __call__(self, event: ev.Event) -> None:
        found = scalars(event)
        if found is not None:
            summary = b"".join(
                _delimited(1, _value(f"{found.phase}/{name}", value))
                for name, value in found.values.items()
            )
            step = tag_bytes(2, VARINT) + varint_bytes(found.iteration)
            self._output.write(record(_wall_time(time.time()) + step + _delimited(5, summary)))

    def close(self) -> None:
        self._output.close()


def record(message: bytes) -> bytes:
    """A message as one record of the file."""
    length = struct.pack("<Q", len(message))
    sums = [struct.pack("<I", masked_crc(part)) for part in (length, message)]
    return length + sums[0] + message + sums[1]


def masked_crc(data: bytes) -> int:
    """CRC-32C (Castagnoli) of `data`, rotated right by 15 bits, plus a constant, modulo 2^32."""
    crc = 0xFFFFFFFF
    table = _crc_table()
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def _wall_time(seconds: float) -> bytes:
    return tag_bytes(1, FIXED64) + struct.pack("<d", seconds)


def _value(tag: str, value: float) -> bytes:
    """A number as `Summary.Value`: a float of 32 bits, so that a larger one becomes infinite."""
    try:
        number = struct.pack("<f", value)
    except OverflowError:
        number = struct.pack("<f", math.copysign(math.inf, value))
    return _delimited(1, tag.encode()) + tag_bytes(2, FIXED32) + number


def _delimited(number: int, content: bytes) -> bytes:
    return tag_bytes(number, LENGTH) + varint_bytes(len(content)) + content
