"""Protobuf's wire format, read in place: where each field of a message lies in its file."""

import re
from collections.abc import Iterator
from functools import cache
from mmap import mmap
from typing import NamedTuple

Bytes = bytes | mmap

VARINT, FIXED64, LENGTH, GROUP, END_GROUP, FIXED32 = range(6)

MOST_FIELDS = 250_000  # read one by one; the largest nets have some 10,000
_SHORT = 8  # bytes of a delimited field that is skipped in a run


class WireError(ValueError):
    """The bytes are not a message, or end in the middle of one."""


class Field(NamedTuple):
    """One field: its value lies in bytes `start` to `stop` (a varint is decoded into `value`)."""

    number: int
    kind: int
    start: int
    stop: int
    value: int


def varint(data: Bytes, position: int, stop: int) -> tuple[int, int]:
    """The varint at `position` and the position after it."""
    value = shift = 0
    while position < stop and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise WireError(f"no number ends at byte {position}")


def field_at(data: Bytes, position: int, stop: int) -> Field:
    """The field whose tag is at `position` of a message that ends at `stop`."""
    tag, start = varint(data, position, stop)
    number, kind, value = tag >> 3, tag & 7, 0
    if number == 0:
        raise WireError(f"no field starts at byte {position}")
    if kind == VARINT:
        value, end = varint(data, start, stop)
    elif kind == LENGTH:
        length, start = varint(data, start, stop)
        end = start + length
    elif kind in (FIXED32, FIXED64):
        end = start + (4 if kind == FIXED32 else 8)
    elif kind == GROUP:
        end = _group_end(data, start, stop, number)
    else:
        raise WireError(f"no field starts at byte {position}")
    if end > stop:
        raise WireError(
            f"field {number} at byte {position} needs {end - start} bytes, {stop - start} are left"
        )
    return Field(number, kind, start, end, value)


def fields(
    data: Bytes, start: int, stop: int, wanted: tuple[int, ...] | None = None
) -> Iterator[Field]:
    """The fields of the message in bytes `start` to `stop`, in the file's order.

    With `wanted`, short fields of other numbers are left out, a run of them at a time. Raises
    WireError beyond `MOST_FIELDS`.
    """
    others = runs_of_others(wanted) if wanted else None
    count = 0
    while start < stop:
        run = others and others.match(data, start, stop)
        if run:
            start = run.end()
            continue
        count += 1
        if count > MOST_FIELDS:
            raise WireError(f"it has more than {MOST_FIELDS} fields")
        field = field_at(data, start, stop)
        yield field
        start = field.stop


@cache
def runs_of_others(wanted: tuple[int, ...]) -> re.Pattern[bytes]:
    """A pattern of one or more short fields whose numbers are not in `wanted`."""
    varint = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
    values = {
        VARINT: varint,
        FIXED32: rb".{4}",
        FIXED64: rb".{8}",
        LENGTH: b"(?:%s)" % b"|".join(b"\\x%02x.{%d}" % (n, n) for n in range(_SHORT + 1)),
    }
    forms = []
    for kind, value in values.items():
        short = [tag_bytes(n, kind) for n in range(1, 16) if n not in wanted]
        forms.append(b"[%s]%s" % (b"".join(map(re.escape, short)), value))
        first = bytes(range(128 + kind, 256, 8))  # of a tag of two to five bytes
        long = rb"[%s][\x80-\xff]{0,3}+[\x01-\x7f]" % re.escape(first)
        others = [re.escape(tag_bytes(n, kind)) for n in wanted if n > 15]
        excluded = b"(?!%s)" % b"|".join(others) if others else b""
        forms.append(excluded + long + value)
    return re.compile(b"(?:%s)++" % b"|".join(forms), re.DOTALL)


def _group_end(data: Bytes, position: int, stop: int, number: int) -> int:
    """The position after the group `number` (an old form of nested message) that starts here."""
    depth = 1
    while depth:
        tag, after = varint(data, position, stop)
        if tag & 7 == GROUP:
            depth += 1
            position = after
        elif tag & 7 == END_GROUP:
            depth -= 1
            position = after
            if depth == 0 and tag >> 3 != number:
                raise WireError(f"group {number} ends as group {tag >> 3} at byte {position}")
        else:
            position = field_at(data, position, stop).stop
    return position


def tag_bytes(number: int, kind: int) -> bytes:
    """The tag that precedes a field's value."""
    return varint_bytes(number << 3 | kind)


def varint_bytes(value: int) -> bytes:
    """`value` (negative: as a 64-bit two's complement) as a varint."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
