"""Text format (prototxt): read into messages and written from them."""

import os
from typing import Any, Literal

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.parser import Parser
from caffe_lite.proto.printer import print_message
from caffe_lite.proto.sniff import describe, is_binary
from caffe_lite.proto.tokens import Tokens
from caffe_lite.types import Message

Unknown = Literal["error", "warn"]


def parse(text: str, message_class: Any, name: str = "<string>", unknown: Unknown = "error") -> Any:
    """Read `text` into a new message of `message_class`, for instance `schema.NetParameter`.

    Errors call the text `name`. With `unknown="warn"`, a field that the schema does not have is
    skipped with its contents, and one warning is logged. Anything else that is not a valid message
    raises `PrototxtError` with line and column.
    """
    if unknown not in ("error", "warn"):
        raise ValueError(f'unknown must be "error" or "warn", not {unknown!r}')
    while True:
        message = schema.newest(message_class)()
        try:
            Parser(Tokens(text, name), skip_unknown=unknown == "warn").parse(message)
        except schema.SchemaGrown:
            continue  # a plugin brought a field that the text has: read it again
        return message


def read(path: StrPath, message_class: Any, unknown: Unknown = "error") -> Any:
    """Read the prototxt at `path`. Raises as `parse` does, and PrototxtError if it is not text."""
    return decode(read_bytes(path), message_class, os.fspath(path), unknown)


def decode(data: bytes, message_class: Any, name: str, unknown: Unknown = "error") -> Any:
    """As `parse`, for the bytes of a file: UTF-8, except for comments, which may hold any bytes."""
    kind = describe(data) or ("a binary file" if is_binary(data) else None)
    if kind:
        wanted = message_class.DESCRIPTOR.name
        raise PrototxtError(
            f"this is {kind}; the text of a {wanted} (.prototxt) is expected here,"
            " trained weights go with --weights",
            name,
        )
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return parse(text, message_class, name, unknown)


def format(message: Message) -> str:
    """The text of `message`, with the layout that Caffe's tools write."""
    return print_message(message)


def write(path: StrPath, message: Message) -> None:
    """Write `message` as text to `path`: all of it, or on any failure nothing."""
    data = format(message).encode("ascii")
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
