"""Values of text format: numbers, truth values, enum names and strings, checked against a field.

Every converter reads from the current token on, advances past the value, and raises a
`PrototxtError` at the value if it does not suit the field.
"""

import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from caffe_lite.errors import PrototxtError, did_you_mean
from caffe_lite.proto.foreign import shorten
from caffe_lite.proto.hints import quoted_enum, type_of_fork
from caffe_lite.proto.strings import unescape
from caffe_lite.proto.tokens import Tokens

Converter = Callable[[Tokens, FieldDescriptor], Any]

_WHOLE = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*")
_REAL = re.compile(r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?")
_OCTAL_OR_HEX = re.compile(r"0[0-9xX].*")
_TRUTH = {"true": True, "True": True, "t": True, "1": True}
_TRUTH |= {"false": False, "False": False, "f": False, "0": False}
_NOT_FINITE = {"inf": "inf", "infinity": "inf", "nan": "nan"}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}


def _whole(tokens: Tokens, field: FieldDescriptor) -> int:
    start = tokens.start
    negative = tokens.take("-")
    written = tokens.value
    if tokens.kind != "number":
        raise _wrong(tokens, field, "a whole number")
    if not _WHOLE.fullmatch(written):
        raise _bad_whole(tokens, field)
    kind, lowest, highest = _RANGES[field.cpp_type]
    value = _parse_whole(written) * (-1 if negative else 1)
    if not lowest <= value <= highest:
        shown = "-" * negative + written[:40]
        raise tokens.error(
            f'{shown} is out of range for "{field.name}" ({kind}: {lowest} to {highest})', start
        )
    tokens.advance()
    return value


def _parse_whole(written: str) -> int:
    if written[0] != "0" or written == "0":
        # Python refuses to read thousands of digits; forty are beyond every range already.
        return int(written[:40])
    return int(written, 16 if written[1] in "xX" else 8)


def _real(tokens: Tokens, field: FieldDescriptor) -> float:
    negative = tokens.take("-")
    written = tokens.value
    if tokens.kind == "name" and written.lower() in _NOT_FINITE:
        value = float(_NOT_FINITE[written.lower()])
    elif tokens.kind != "number":
        raise _wrong(tokens, field, "a number")
    elif _OCTAL_OR_HEX.fullmatch(written):
        raise tokens.error(
            f'"{field.name}" takes a decimal number, got {shorten(written)}; '
            "leave out the leading 0"
        )
    elif _REAL.fullmatch(written):
        value = float(written.rstrip("fF"))
    else:
        raise tokens.error(f'{tokens.shown()} is not a number (for "{field.name}")')
    tokens.advance()
    return -value if negative else value


def _truth(tokens: Tokens, field: FieldDescriptor) -> bool:
    value = _TRUTH.get(tokens.value)
    if value is None:
        raise _wrong(tokens, field, "true or false")
    tokens.advance()
    return value


def _enum(tokens: Tokens, field: FieldDescriptor) -> int:
    known: Any = field.enum_type
    start = tokens.start
    negative = tokens.take("-")
    if tokens.kind == "number" and _WHOLE.fullmatch(tokens.value):
        number = _parse_whole(tokens.value) * (-1 if negative else 1)
        if number in known.values_by_number:
            tokens.advance()
            return number
    elif tokens.kind == "name" and not negative and tokens.value in known.values_by_name:
        number = known.values_by_name[tokens.value].number
        tokens.advance()
        return number
    names = [value.name for value in known.values]
    raise _bad_enum(tokens, field, names, start)


def _string(tokens: Tokens, field: FieldDescriptor) -> str:
    if tokens.kind != "string":
        raise _wrong(tokens, field, "a string in quotes")
    start, written = tokens.start, tokens.value
    tokens.advance()
    if tokens.kind != "string" and "\\" not in written and written.isascii():
        return written[1:-1]
    value = unescape(tokens, start, written)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise tokens.error(f'the string for "{field.name}" is not UTF-8 text', start) from None


def _bytes(tokens: Tokens, field: FieldDescriptor) -> bytes:
    if tokens.kind != "string":
        raise _wrong(tokens, field, "a string in quotes")
    start, written = tokens.start, tokens.value
    tokens.advance()
    return unescape(tokens, start, written)


def _wrong(tokens: Tokens, field: FieldDescriptor, wanted: str) -> PrototxtError:
    hint = ""
    if wanted == "a string in quotes" and tokens.kind in ("name", "number"):
        hint = f'; write "{shorten(tokens.value)}"'
    elif tokens.kind == "string":
        hint = "; leave out the quotes"
    return tokens.error(f'"{field.name}" takes {wanted}, got {tokens.shown()}{hint}')


def _bad_whole(tokens: Tokens, field: FieldDescriptor) -> PrototxtError:
    written = tokens.value
    if written.isdecimal():
        return tokens.error(f"{shorten(written)} starts with 0 and so must be octal, but is not")
    if not _REAL.fullmatch(written):
        return tokens.error(f'{tokens.shown()} is not a number (for "{field.name}")')
    value = float(written.rstrip("fF"))
    plain = f"; write {int(value)}" if abs(value) < 1e19 and value == int(value) else ""
    return tokens.error(f'"{field.name}" takes a whole number, got {shorten(written)}{plain}')


def _bad_enum(
    tokens: Tokens, field: FieldDescriptor, names: list[str], start: int
) -> PrototxtError:
    if tokens.kind == "string":
        return tokens.error(quoted_enum(field, tokens.shown()[1:-1], names), start)
    shown = tokens.shown() if start == tokens.start else f'"-{tokens.value}"'
    fork = type_of_fork(tokens.value) if field.full_name == "caffe.V1LayerParameter.type" else ""
    hint = fork or did_you_mean(tokens.value, names)
    message = f'"{field.name}" has no value {shown}{hint}'
    if len(names) <= 8:
        message += f" (one of {', '.join(names)})"
    return tokens.error(message, start)


_CONVERTERS: dict[int, Converter] = {
    FieldDescriptor.CPPTYPE_FLOAT: _real,
    FieldDescriptor.CPPTYPE_DOUBLE: _real,
    FieldDescriptor.CPPTYPE_BOOL: _truth,
    FieldDescriptor.CPPTYPE_ENUM: _enum,
    FieldDescriptor.CPPTYPE_STRING: _string,
    **dict.fromkeys(_RANGES, _whole),
}


def converter(field: FieldDescriptor) -> Converter:
    """The converter for a field that holds no message."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes
    return _CONVERTERS[field.cpp_type]
