"""Binary net definitions of forks, brought to this schema's field numbers.

Forks gave their fields numbers that Caffe 1.0, or another fork, uses for other fields, so the bytes
alone do not say which field is meant. A definition is read with the numbers of each fork
(`fork_numbers.txt`), and a reading counts only if every number is known, every value has its
field's wire type, no field that is given once comes twice, and every parameter message belongs to
its layer's type. Where exactly one reading is left, it is the right one.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_lite.proto import schema
from caffe_lite.proto.merge import LIST_SUFFIX, is_addition
from caffe_lite.proto.schema import is_repeated
from caffe_lite.proto.wire import (
    FIXED32,
    FIXED64,
    LENGTH,
    VARINT,
    Field,
    WireError,
    fields,
    tag_bytes,
    varint_bytes,
)

log = logging.getLogger("caffe_lite.proto")

Numbering = Mapping[str, Mapping[str, int]]  # message -> field -> number, where a fork has its own

_OURS = (65601, 65602, 65603)  # what this package adds at the end of a file
_FIRST_DISPUTED = 130  # numbers of LayerParameter from which forks and Caffe disagree
_OPAQUE = ("BlobProto",)
_LARGEST = 1 << 26  # bytes of a file that is still tried; a larger one is weights
# Parameter messages of layers whose type's name does not begin like theirs.
_USERS = {
    "recurrent": ("LSTM", "RNN"),
    "augmentation": ("DataAugmentation",),
    "detectnet_groundtruth": ("DetectNetTransformation",),
    "detectnet_augmentation": ("DetectNetTransformation",),
    "ctc_loss": ("WarpCTC",),
}
_WIRE_TYPES = {
    FieldDescriptor.TYPE_DOUBLE: FIXED64,
    FieldDescriptor.TYPE_FLOAT: FIXED32,
    FieldDescriptor.TYPE_STRING: LENGTH,
    FieldDescriptor.TYPE_BYTES: LENGTH,
    FieldDescriptor.TYPE_MESSAGE: LENGTH,
}  # of all others: VARINT


class UnreadableError(Exception):
    """A reading that cannot be: what is wrong with it."""


class _OddError(UnreadableError):
    """All numbers are known, but a parameter message is not of the layer's type."""


def in_own_numbers(data: bytes, name: str) -> bytes:
    """The bytes of a binary NetParameter, `name`, with the field numbers of this schema.

    Bytes that make sense as they are, or with the numbers of no fork or of several, are returned
    unchanged; the log says so where fields would be skipped.
    """
    if len(data) > _LARGEST:
        return data
    try:
        reading(data, {})
        return data
    except (UnreadableError, WireError) as error:
        problem = error
    found: dict[bytes, list[str]] = {}
    for fork, numbering in fork_numberings().items():
        try:
            found.setdefault(reading(data, numbering), []).append(fork)
        except (UnreadableError, WireError):
            continue
    if len(found) == 1:
        ((translated, forks),) = found.items()
        log.info("%s: read with the field numbers of %s", name, _some(forks))
        return translated
    if not isinstance(problem, (_OddError, WireError)):
        forks = [fork for several in found.values() for fork in several]
        which = f"they could be those of {_some(forks)}" if forks else "no known fork has them"
        log.warning(
            "%s: fields are skipped, because %s and %s; use the definition's text instead",
            name,
            problem,
            which,
        )
    return data


def _some(forks: list[str]) -> str:
    """The first three names."""
    more = f" and {len(forks) - 3} more" if len(forks) > 3 else ""
    return ", ".join(forks[:3]) + more


def reading(data: bytes, numbering: Numbering) -> bytes:
    """The NetParameter `data`, which uses a fork's numbers, with those of this schema.

    Raises UnreadableError where the bytes cannot have this meaning, WireError where they are not a
    message.
    """
    return _translate(data, 0, len(data), schema.NetParameter.DESCRIPTOR, numbering)


@cache
def fork_numberings() -> dict[str, dict[str, dict[str, int]]]:
    """By fork, the fields that it added or moved: message -> field -> number."""
    text = Path(__file__).with_name("fork_numbers.txt").read_text(encoding="utf-8")
    found: dict[str, dict[str, dict[str, int]]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            message, forks, *numbers = line.split(" ")
            pairs = (number.split("=") for number in numbers)
            own = {field: int(number) for field, number in pairs}
            for fork in forks.split(","):
                found.setdefault(fork, {})[message] = own
    return found


def _names(message: Descriptor, numbering: Numbering) -> dict[int, str]:
    """What each number of a message means to the fork."""
    name = message.full_name.removeprefix("caffe.")
    own = numbering.get(name, {})
    names = {
        field.number: field.name
        for field in message.fields
        if field.name not in own and not (numbering and is_addition(field))
    }
    if numbering and name not in schema.DESCRIPTOR.message_types_by_name and "." not in name:
        names = {}  # Caffe itself has no such message
    return {**names, **{number: field for field, number in own.items()}}


def _translate(
    data: bytes, start: int, stop: int, message: Descriptor, numbering: Numbering
) -> bytes:
    names, out = _names(message, numbering), bytearray()
    found = list(fields(data, start, stop))
    times = Counter(item.number for item in found)
    given = []
    for item in found:
        if item.number in _OURS:
            continue
        name = names.get(item.number)
        field = message.fields_by_name.get(name or "")
        if field is None:
            what = f'"{name}"' if name else f"number {item.number}"
            raise UnreadableError(f"{message.name} has no field {what}")
        if times[item.number] > 1 and not is_repeated(field):
            field = message.fields_by_name.get(field.name + LIST_SUFFIX)
            if field is None:
                raise UnreadableError(f"{message.name}.{name} is given {times[item.number]} times")
        out += _value(data, item, field, numbering)
        given.append((item.number, field))
    if message.name == "LayerParameter":
        _check_type(data, found, given)
    return bytes(out)


def _value(data: bytes, item: Field, field: FieldDescriptor, numbering: Numbering) -> bytes:
    """The field with this schema's number; its value is checked, and translated if a message."""
    wanted = _WIRE_TYPES.get(field.type, VARINT)
    packed = is_repeated(field) and wanted != LENGTH and item.kind == LENGTH
    if item.kind != wanted and not packed:
        raise UnreadableError(f"{field.full_name} has wire type {item.kind}")
    tag, value = tag_bytes(field.number, item.kind), data[item.start : item.stop]
    if item.kind != LENGTH:
        if field.enum_type is not None and item.value not in field.enum_type.values_by_number:
            raise UnreadableError(f"{field.full_name} has no value {item.value}")
        return tag + value
    if field.message_type is not None and field.message_type.name not in _OPAQUE:
        value = _translate(data, item.start, item.stop, field.message_type, numbering)
    elif field.type == FieldDescriptor.TYPE_STRING:
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            raise UnreadableError(f"{field.full_name} is not UTF-8 text") from None
    return tag + varint_bytes(len(value)) + value


def _check_type(data: bytes, found: list[Field], given: list[tuple[int, FieldDescriptor]]) -> None:
    """Raise for a parameter message that the layer's type does not take."""
    number = schema.LayerParameter.DESCRIPTOR.fields_by_name["type"].number
    types = [data[item.start : item.stop].decode() for item in found if item.number == number]
    kind = types[0] if types else ""
    for number, field in given:
        disputed = number >= _FIRST_DISPUTED and field.name.endswith("_param")
        if disputed and not _takes(kind, field.name.removesuffix("_param")):
            raise _OddError(f"a {kind} layer has {field.name}")


def _takes(kind: str, parameters: str) -> bool:
    """Whether layers of a type take the parameters: "PriorBox" and "prior_box"."""
    if parameters in _USERS:
        return kind in _USERS[parameters]
    one, other = kind.lower(), parameters.replace("_", "")
    return one.startswith(other) or (bool(one) and other.startswith(one))
