"""Binary messages (.binaryproto, .caffemodel, .solverstate): read and written whole.

This module makes Python objects of everything in a file; `weights` reads large weights files
from the wire instead, layer by layer.
"""

import os
from typing import Any

from google.protobuf.message import DecodeError, EncodeError

from caffe_lite.errors import PrototxtError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.foreign import shorten
from caffe_lite.proto.schema import is_repeated
from caffe_lite.proto.sniff import describe, is_binary
from caffe_lite.proto.wire import LENGTH, VARINT, WireError, fields, tag_bytes

# Fields at the end of files that this package writes, beyond every number that a fork of Caffe is
# known to use. They describe the bytes before them, so they end where a message is changed.
FORMAT_VERSION, CHECKSUM = 65602, 65603
MOST_TRAILER = 1 << 20  # bytes
# Parts of a message, such as the layers of a net. protobuf takes some 700 bytes of memory for one
# that takes two in the file; the largest public nets have a few thousand.
MOST_PARTS = 50_000

_WITHOUT_STRINGS = ("BlobProto", "BlobShape")  # of which a file may have many


def read(path: StrPath, message_class: Any) -> Any:
    """Read the file at `path` as a `message_class`; `PrototxtError` if it holds none."""
    return decode(read_bytes(path), message_class, os.fspath(path))


def decode(data: bytes, message_class: Any, name: str) -> Any:
    """As `read`, for bytes that came from the file `name`."""
    wanted = message_class.DESCRIPTOR.name
    kind = describe(data)
    if kind:
        raise PrototxtError(f"this is {kind}; a binary {wanted} is expected here", name)
    _check_parts(data, name)
    try:
        message = message_class.FromString(_without_checksum(data))
        if message.ListFields():
            _check_strings(message, name)
            return message
        reason = "it holds none of its fields"
    except DecodeError:
        reason = f"it is damaged or cut short ({len(data)} bytes)"
    if not is_binary(data):
        reason = "it is text; give the binary file here"
    raise PrototxtError(f"not a binary {wanted}: {reason}", name)


def _check_parts(data: bytes, name: str) -> None:
    """Fail for a message of so many parts that it would take far more memory than its file."""
    if len(data) < 2 * MOST_PARTS:
        return
    try:
        count = sum(field.kind == LENGTH for field in fields(data, 0, len(data)))
    except WireError:
        return  # protobuf decides whether it is damaged
    if count > MOST_PARTS:
        raise PrototxtError(f"it has {count} parts (layers, say); the most is {MOST_PARTS}", name)


def _check_strings(message: Any, name: str) -> None:
    """protobuf lets a string be any bytes, and gives those that are not UTF-8 as `bytes`."""
    for field, value in message.ListFields():
        if field.message_type:
            if field.message_type.name in _WITHOUT_STRINGS:
                continue
            for child in value if is_repeated(field) else [value]:
                _check_strings(child, name)
        elif field.type == field.TYPE_STRING:
            for text in value if is_repeated(field) else [value]:
                if not isinstance(text, str):
                    shown = shorten(bytes(text).decode("utf-8", "replace"))
                    raise PrototxtError(
                        f'not UTF-8 text: "{shown}" in {field.name} of a '
                        f"{message.DESCRIPTOR.name}; write the name in UTF-8",
                        name,
                    )


def _without_checksum(data: bytes) -> bytes:
    """The message without the fields that would be wrong after any change of it."""
    start = data.rfind(tag_bytes(FORMAT_VERSION, VARINT), max(0, len(data) - MOST_TRAILER))
    if start < 0:
        return data
    try:
        found = [field.number for field in fields(data, start, len(data))]
    except WireError:
        return data
    return data[:start] if found == [FORMAT_VERSION, CHECKSUM] else data


def write(path: StrPath, message: Any) -> None:
    """Write `message` to `path`: all of it, or on any failure nothing."""
    try:
        data = message.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise PrototxtError(f"cannot be written: {error}", os.fspath(path)) from error
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
