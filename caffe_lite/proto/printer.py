"""A printer of messages in text format, with the layout of protobuf's C++ printer."""

import struct
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from caffe_lite.proto.merge import LIST_SUFFIX
from caffe_lite.proto.schema import is_repeated
from caffe_lite.proto.strings import escape
from caffe_lite.types import Message


def print_message(message: Message) -> str:
    """The text of `message`: set fields by number, two spaces per level, enums by name."""
    lines: list[str] = []
    _print_fields(message, "", lines)
    return "".join(lines)


def _print_fields(message: Message, indent: str, lines: list[str]) -> None:
    for field, value in message.ListFields():
        values = value if is_repeated(field) else [value]
        name = field.name.removesuffix(LIST_SUFFIX)
        if field.message_type:
            for child in values:
                lines.append(f"{indent}{name} {{\n")
                _print_fields(child, indent + "  ", lines)
                lines.append(f"{indent}}}\n")
        else:
            show = _SHOW.get(field.type, str)
            if field.enum_type:
                show = _enum_name(field.enum_type.values_by_number)
            lines.extend([f"{indent}{name}: {show(each)}\n" for each in values])


def _enum_name(known: Any) -> Any:
    return lambda number: known[number].name if number in known else str(number)


def _float(value: float) -> str:
    """The fewest of 6 to 9 digits that read back as the same float32."""
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if _as_float32(float(text)) == value:
            return text
    return f"{value:.9g}"


def _as_float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:  # the shorter decimal is beyond the largest float32
        return float("inf")


def _double(value: float) -> str:
    for digits in range(15, 17):
        text = f"{value:.{digits}g}"
        if float(text) == value:
            return text
    return f"{value:.17g}"


_SHOW = {
    FieldDescriptor.TYPE_FLOAT: _float,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_BOOL: lambda value: "true" if value else "false",
    FieldDescriptor.TYPE_STRING: lambda value: escape(value.encode("utf-8")),
    FieldDescriptor.TYPE_BYTES: escape,
}
