"""Assign Python values to fields of messages, as NetSpec's keywords do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from caffe_lite.errors import UsageError, did_you_mean
from caffe_lite.proto import schema
from caffe_lite.pycaffe.errors import UnknownNameError
from caffe_lite.types import Message


def assign(message: Message, name: str, value: Any, where: str) -> None:
    """Set field `name` of `message` to a Python value.

    A dict sets the fields of a message, a list or tuple a repeated field (a single value is a list
    of one), and a string an enum value by its name. `where` is the place that errors name. Raises
    UnknownNameError with the nearest name, or UsageError for a value of the wrong type.
    """
    fields = message.DESCRIPTOR.fields_by_name
    if name not in fields:
        raise UnknownNameError(
            f'{where}: {message.DESCRIPTOR.name} has no field "{name}"{did_you_mean(name, fields)}'
        )
    field = fields[name]
    where = f"{where}.{name}"
    if not schema.is_repeated(field):
        _set(message, field, value, where)
        return
    for item in value if isinstance(value, (list, tuple)) else [value]:
        if field.message_type:
            _fill(getattr(message, name).add(), item, where)
        else:
            with _errors_name(field, item, where):
                getattr(message, name).append(_plain(field, item, where))


def _set(message: Message, field: Any, value: Any, where: str) -> None:
    if field.message_type:
        _fill(getattr(message, field.name), value, where)
        return
    with _errors_name(field, value, where):
        setattr(message, field.name, _plain(field, value, where))


def _fill(message: Message, value: Any, where: str) -> None:
    if isinstance(value, type(message)):
        message.MergeFrom(value)
        return
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{where}: {message.DESCRIPTOR.name} is written as dict(...), got {value!r}"
        )
    for name, item in value.items():
        assign(message, name, item, where)


def _plain(field: Any, value: Any, where: str) -> Any:
    if field.enum_type is None or not isinstance(value, str):
        return value
    known = field.enum_type.values_by_name
    if value not in known:
        raise UnknownNameError(
            f'{where}: {field.enum_type.name} has no value "{value}"{did_you_mean(value, known)}'
        )
    return known[value].number


@contextmanager
def _errors_name(field: Any, value: Any, where: str) -> Iterator[None]:
    """Replace protobuf's errors about a value by one that names the field."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{where}: {value!r} is not a valid value for {field.full_name}: {error}"
        ) from error
