"""Which fields of forks and plugins a definition sets, and whether it sets a field at all."""

from collections.abc import Container, Iterator
from typing import Any

from caffe_lite.proto.merge import is_addition
from caffe_lite.proto.schema import is_repeated
from caffe_lite.types import Message


def additions(message: Message, skip: Container[str] = ("blobs",)) -> list[str]:
    """The fields set in a definition that Caffe itself does not know: ["pooling_param.ceil_mode"].

    A field of a fork is named once, whatever it holds. Fields in `skip` are not searched.
    """
    return list(dict.fromkeys(_additions(message, "", skip)))


def _additions(message: Message, prefix: str, skip: Container[str]) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name in skip:
            continue
        if is_addition(field):
            yield prefix + field.name
        elif field.message_type is not None:
            for child in value if is_repeated(field) else [value]:
                yield from _additions(child, f"{prefix}{field.name}.", skip)


def has_field(message: Message, path: str) -> bool:
    """Whether a definition sets the field at a dotted path, such as "bn_param.slope_filler"."""
    *parents, last = path.split(".")
    for name in parents:
        if name not in message.DESCRIPTOR.fields_by_name or not message.HasField(name):
            return False
        message = getattr(message, name)
    field = message.DESCRIPTOR.fields_by_name.get(last)
    if field is None:
        return False
    return bool(getattr(message, last)) if is_repeated(field) else message.HasField(last)


def field_at(message: Message, path: str) -> Any:
    """The descriptor of the field at a dotted path of a message class or message."""
    descriptor = message.DESCRIPTOR
    *parents, last = path.split(".")
    for name in parents:
        descriptor = descriptor.fields_by_name[name].message_type
    return descriptor.fields_by_name[last]
