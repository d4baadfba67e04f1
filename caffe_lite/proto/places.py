"""The place of a layer's type in a file, for errors that are found after parsing."""

import os
from typing import NamedTuple

from caffe_lite.errors import PrototxtError
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.tokens import Tokens


class _Open(NamedTuple):
    start: int  # offset of the field that opens the message
    strings: dict[str, tuple[str, int]]  # by field: its string and offset


def type_place(path: StrPath, layer: str, type_name: str) -> str:
    """ "FILE:LINE:COLUMN: " of the type of the first layer of this name and type in a text.

    For a layer without a type it is the layer's start. "" if the file has no such layer, is not
    text, or cannot be read twice (a pipe).
    """
    if not os.path.isfile(path):
        return ""
    try:
        tokens = Tokens(read_bytes(path).decode("utf-8-sig", "surrogateescape"), os.fspath(path))
        at = _find(tokens, layer, type_name)
    except PrototxtError:
        return ""
    if at is None:
        return ""
    place = tokens.error("", at)
    return f"{place.file}:{place.line}:{place.column}: "


def _find(tokens: Tokens, layer: str, type_name: str) -> int | None:
    around: list[_Open] = []
    field, start = "", 0
    while tokens.kind != "end":
        if tokens.kind == "name":
            field, start = tokens.value, tokens.start
        elif tokens.kind == "string" and around:
            around[-1].strings[field] = (tokens.value[1:-1], tokens.start)
        elif tokens.value in ("{", "<"):
            around.append(_Open(start, {}))
        elif tokens.value in ("}", ">") and around:
            begun, strings = around.pop()
            found, at = strings.get("type", ("", begun))
            if (strings.get("name", ("", 0))[0], found) == (layer, type_name):
                return at
        tokens.advance()
    return None
