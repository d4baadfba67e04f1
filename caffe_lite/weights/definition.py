"""The definition that a caffemodel holds beside its weights, read without them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema, text
from caffe_lite.proto.fork_numbers import UnreadableError, in_own_numbers, reading
from caffe_lite.proto.upgrade import upgrade_net
from caffe_lite.proto.wire import LENGTH, WireError, fields, tag_bytes, varint_bytes
from caffe_lite.types import NetParameter
from caffe_lite.weights.caffemodel import (
    LAYER_BLOBS,
    NET_LAYER,
    NET_V1_LAYERS,
    V0_BLOBS,
    V1_BLOBS,
    V1_NESTED,
)
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.stored import Weights
from caffe_lite.weights.trailer import TRAILER

log = logging.getLogger("caffe_lite.net")


class _Kind(NamedTuple):
    """A message: the fields that are left out, and those whose messages have such fields."""

    left_out: tuple[int, ...]
    nested: dict[int, _Kind]


_V0 = _Kind((V0_BLOBS,), {})
_V1 = _Kind((V1_BLOBS,), {V1_NESTED: _V0})
_NET = _Kind(TRAILER, {NET_LAYER: _Kind((LAYER_BLOBS,), {}), NET_V1_LAYERS: _V1})


def definition_of(weights: Weights) -> NetParameter | None:
    """The net that a weights file describes, in the current format, without blobs.

    None if the file has no description, or one that only its fork can read.
    """
    if weights.definition is None:
        return _of_caffemodel(weights.file)
    if not weights.definition:
        return None
    found: NetParameter = text.decode(
        weights.definition.encode(), schema.NetParameter, f"{weights.path}, definition"
    )
    return found


def _of_caffemodel(file: MappedFile) -> NetParameter | None:
    try:
        data = in_own_numbers(b"".join(_without(file, 0, file.size, _NET)), file.path)
        reading(data, {})  # a field of unknown meaning may change what a layer computes
        return upgrade_net(binary.decode(data, schema.NetParameter, file.path), file.path)
    except (PrototxtError, UnreadableError, WireError) as error:
        log.warning("%s: its definition is not read: %s", file.path, error)
        return None


def _without(file: MappedFile, start: int, stop: int, kind: _Kind) -> Iterator[bytes]:
    """The message in bytes `start` to `stop`, in parts, without its blobs."""
    position = start
    for field in fields(file.data, start, stop):
        inner = kind.nested.get(field.number)
        if inner is not None and field.kind == LENGTH:
            part = b"".join(_without(file, field.start, field.stop, inner))
            yield tag_bytes(field.number, LENGTH) + varint_bytes(len(part)) + part
        elif field.number not in kind.left_out:
            yield file.data[position : field.stop]
        position = field.stop
