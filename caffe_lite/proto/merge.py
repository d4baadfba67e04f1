"""Merges the messages and fields of forks and plugins into BVLC's schema.

Messages, fields, enums and enum values of the same name are the same thing and must agree. A field
that is added to a message keeps its number where that is free, so that records of a fork (an
AnnotatedDatum, say) are read from its own files. Two cases get a number of this project's, which no
fork uses: fields added to one of BVLC's messages, where forks give the same number to different
fields, and fields whose number another fork has taken.

A field that is a single number in Caffe and a list in a fork (`device_id: [0, 1]`) gets a second
field, its name with `__list` appended. In text both are written under Caffe's name: one value goes
to Caffe's field, several go to the list.
"""

from collections.abc import Iterable
from typing import Any
from zlib import crc32

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from caffe_lite.errors import PrototxtError

FIRST_OWN_NUMBER = 1_000_000
LIST_SUFFIX = "__list"
_OWN_NUMBERS = 400_000_000  # field numbers end at 2^29


def own_number(owner: str, name: str) -> int:
    """The number of a field that joins a message of BVLC's: the same in every process."""
    return FIRST_OWN_NUMBER + crc32(f"{owner}.{name}".encode()) % _OWN_NUMBERS


def is_addition(field: Any) -> bool:
    """Whether a field of one of BVLC's messages was added to it, so that Caffe does not know it."""
    return field.number >= FIRST_OWN_NUMBER


def merge(
    base: FileDescriptorProto, additions: Iterable[FileDescriptorProto]
) -> FileDescriptorProto:
    """A new file: `base`, in which every field keeps its number, and all additions.

    Raises PrototxtError where two of them disagree about a name.
    """
    merged = FileDescriptorProto()
    merged.CopyFrom(base)
    fixed = {message.name for message in base.message_type}
    for file in additions:
        messages = {message.name: message for message in merged.message_type}
        for message in file.message_type:
            if message.name not in messages:
                messages[message.name] = merged.message_type.add(name=message.name)
            _join(messages[message.name], message, message.name in fixed, file.name)
        _join_enums(merged.enum_type, file.enum_type, file.name)
    return merged


def _join(into: DescriptorProto, message: DescriptorProto, fixed: bool, file: str) -> None:
    fields = {field.name: field for field in into.field}
    numbers = {field.number for field in into.field}
    for field in message.field:
        if field.name in fields and fixed and _makes_list_of(fields[field.name], field):
            listed = FieldDescriptorProto()
            listed.CopyFrom(field)
            listed.name = field.name + LIST_SUFFIX
            listed.number = own_number(into.name, listed.name)
            if listed.name not in fields:
                fields[listed.name] = into.field.add()
                fields[listed.name].CopyFrom(listed)
            continue
        if field.name in fields:
            _agree(into, fields[field.name], field, file)
            continue
        added = into.field.add()
        added.CopyFrom(field)
        if fixed or field.number in numbers:
            added.number = own_number(into.name, field.name)
        numbers.add(added.number)
        fields[added.name] = added
    nested = {child.name: child for child in into.nested_type}
    for child in message.nested_type:
        target = nested.get(child.name) or into.nested_type.add(name=child.name)
        _join(target, child, False, file)
    _join_enums(into.enum_type, message.enum_type, file)


def _makes_list_of(one: FieldDescriptorProto, other: FieldDescriptorProto) -> bool:
    """Whether a fork makes a list of a scalar field that is single in Caffe."""
    labels = FieldDescriptorProto
    return (
        one.type == other.type
        and not other.type_name
        and (one.label, other.label) == (labels.LABEL_OPTIONAL, labels.LABEL_REPEATED)
    )


def _agree(
    owner: DescriptorProto, one: FieldDescriptorProto, other: FieldDescriptorProto, file: str
) -> None:
    """Fail where a field of one name has two types; the type's name may be qualified or not."""
    same = (
        one.label == other.label
        and (one.type_name or other.type_name or one.type == other.type)
        and one.type_name.rpartition(".")[2] == other.type_name.rpartition(".")[2]
    )
    if not same:
        raise PrototxtError(
            f"{owner.name}.{one.name} has another type or label in the schema already; "
            "give the field another name",
            file,
        )


def _join_enums(into: Any, enums: Iterable[EnumDescriptorProto], file: str) -> None:
    known = {enum.name: enum for enum in into}
    for enum in enums:
        if enum.name not in known:
            into.add().CopyFrom(enum)
            continue
        target = known[enum.name]
        values = {value.name: value.number for value in target.value}
        for value in enum.value:
            if value.name in values:
                continue
            number = value.number
            if number in values.values():
                number = own_number(enum.name, value.name)
            target.value.add(name=value.name, number=number)
            values[value.name] = number
