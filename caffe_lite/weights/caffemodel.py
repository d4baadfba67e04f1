"""Binary weights (.caffemodel) of every dialect, read only for layer names and blobs.

Forks of Caffe give the other field numbers of a layer different meanings, so a parser for one
schema cannot read them all; names and blobs have kept their numbers.
"""

import logging
from collections.abc import Iterator
from math import prod

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.wire import (
    FIXED32,
    FIXED64,
    LENGTH,
    MOST_FIELDS,
    VARINT,
    Field,
    WireError,
    field_at,
    fields,
    runs_of_others,
    varint,
)
from caffe_lite.weights.mapped import CONVERTED, MappedBlob, MappedFile, Run
from caffe_lite.weights.stored import StoredBlob, Weights
from caffe_lite.weights.trailer import TRAILER, Trailer

log = logging.getLogger("caffe_lite.net")

NET_LAYER, NET_V1_LAYERS = 100, 2
LAYER_NAME, LAYER_BLOBS = 1, 7
V1_NESTED, V1_NAME, V1_BLOBS = 1, 4, 6
V0_NAME, V0_BLOBS = 1, 50

SHAPE, DATA, DOUBLE_DATA = 7, 5, 8
RAW_TYPE, RAW_DATA = 10, 12  # NVIDIA's fork
LEGACY_DIMS = (1, 2, 3, 4)  # num, channels, height, width
MOST_AXES = 32  # Caffe's kMaxBlobAxes
_BLOB_FIELDS = (*LEGACY_DIMS, SHAPE, DATA, DOUBLE_DATA, RAW_TYPE, RAW_DATA)
RAW_TYPES = {0: "<f8", 1: "<f4", 2: "<f2"}
_UNPACKED = {(DATA, FIXED32): "<f4", (DOUBLE_DATA, FIXED64): "<f8"}
_PACKED = {DATA: "<f4", DOUBLE_DATA: "<f8"}


def read_caffemodel(file: MappedFile) -> Weights:
    """The layers of a binary NetParameter. Raises ModelError for anything else."""
    try:
        other = _other_message(file)
        layers = {} if other else _layers(file)
    except WireError as error:
        raise ModelError(
            f"{file.path}: not a caffemodel, or damaged or cut short ({error}; the "
            f"file has {file.size} bytes)"
        ) from None
    if not layers:
        raise ModelError(f"{file.path}: {other or 'not a caffemodel: it holds no layers'}")
    return Weights(file.path, layers, file, _dialect(file, layers))


def _dialect(file: MappedFile, layers: dict[str, list[StoredBlob | None]]) -> str:
    """The form of a binary file: how it lists its layers, and their blobs' shapes."""
    numbers = {field.number for field in fields(file.data, 0, file.size, (NET_LAYER,))}
    found = "layers of Caffe 1.0" if NET_LAYER in numbers else "V1 or V0 layers"
    legacy = any(blob and blob.legacy for blobs in layers.values() for blob in blobs)
    return f"binary, {found}, 4-D shapes" if legacy else f"binary, {found}"


def _layers(file: MappedFile) -> dict[str, list[StoredBlob | None]]:
    layers: dict[str, list[StoredBlob | None]] = {}
    trailer = Trailer(file)
    for field in _fields(file, 0, file.size, (NET_LAYER, NET_V1_LAYERS, *TRAILER)):
        trailer.take(field)
        if field.kind != LENGTH or field.number not in (NET_LAYER, NET_V1_LAYERS):
            continue
        v1 = field.number == NET_V1_LAYERS
        name, blobs = _layer(
            file, field, *((V1_NAME, V1_BLOBS) if v1 else (LAYER_NAME, LAYER_BLOBS)), nested=v1
        )
        # A net with layers for both phases may name two alike, one of them without blobs.
        if blobs or name not in layers:
            layers[name] = blobs
    newer = trailer.verify()
    if newer:
        log.warning("%s: %s; it is not verified", file.path, newer)
    return layers


def _layer(
    file: MappedFile,
    layer: Field,
    name_number: int,
    blobs_number: int,
    nested: bool,
) -> tuple[str, list[StoredBlob | None]]:
    name, blobs = "", list[StoredBlob | None]()
    wanted = (name_number, blobs_number, V1_NESTED) if nested else (name_number, blobs_number)
    for field in _fields(file, layer.start, layer.stop, wanted):
        if field.kind != LENGTH:
            continue
        if nested and field.number == V1_NESTED:
            name, blobs = _layer(file, field, V0_NAME, V0_BLOBS, nested=False)
        elif field.number == name_number:
            name = file.data[field.start : field.stop].decode("utf-8", "replace")
        elif field.number == blobs_number:
            blobs.append(_blob(file, field))
    return name, blobs


def _fields(file: MappedFile, start: int, stop: int, wanted: tuple[int, ...]) -> Iterator[Field]:
    """As `wire.fields`, with the bound on their number for all messages of the file together."""
    for field in fields(file.data, start, stop, wanted):
        _count(file)
        yield field


def _count(file: MappedFile) -> None:
    file.fields_read += 1
    if file.fields_read > MOST_FIELDS:
        raise WireError(f"it has more than {MOST_FIELDS} fields")


def _blob(file: MappedFile, message: Field) -> StoredBlob:
    return blob_at(file, message.start, message.stop)


def blob_at(file: MappedFile, position: int, stop: int) -> MappedBlob:
    """The BlobProto in bytes `position` to `stop`."""
    data = file.data
    dims: list[int] = []
    legacy: dict[int, int] = {}
    runs: dict[int, list[Run]] = {}
    raw_type = -1
    others = runs_of_others(_BLOB_FIELDS)
    while position < stop:
        skipped = others.match(data, position, stop)
        if skipped:
            position = skipped.end()
            continue
        _count(file)
        field = field_at(data, position, stop)
        number, kind = field.number, field.kind
        if number == SHAPE and kind == LENGTH:
            dims += _dims(file, field)
        elif number in LEGACY_DIMS and kind == VARINT:
            legacy[number] = field.value
        elif number in _PACKED and kind == LENGTH:
            width = np.dtype(_PACKED[number]).itemsize
            runs.setdefault(number, []).append(_packed(field, width))
        elif (number, kind) in _UNPACKED:
            run = _unpacked(file, position, stop, field)
            runs.setdefault(number, []).append(run)
            position = field.stop + (run.count - 1) * run.stride
            continue
        elif number == RAW_TYPE and kind == VARINT:
            raw_type = field.value
        elif number == RAW_DATA and kind == LENGTH:
            runs[RAW_DATA] = [Run(field.start, field.stop - field.start, 1)]
        position = field.stop
    shape = tuple(legacy.get(n, 0) for n in LEGACY_DIMS) if legacy else tuple(dims)
    return _assemble(file, shape, bool(legacy), runs, raw_type, stop)


def _assemble(
    file: MappedFile,
    shape: tuple[int, ...],
    legacy: bool,
    runs: dict[int, list[Run]],
    raw_type: int,
    stop: int,
) -> MappedBlob:
    if DOUBLE_DATA in runs:
        dtype, found = "<f8", runs[DOUBLE_DATA]
    elif DATA in runs or RAW_DATA not in runs:
        dtype, found = "<f4", runs.get(DATA, [])
    elif raw_type in RAW_TYPES:
        dtype = RAW_TYPES[raw_type]
        found = [_packed_bytes(runs[RAW_DATA][0], np.dtype(dtype).itemsize)]
    else:
        raise WireError(
            f"the blob that ends at byte {stop} has raw data of unknown type {raw_type}"
        )
    count = sum(run.count for run in found)
    if count != prod(shape):
        raise WireError(
            f"the blob that ends at byte {stop} has shape "
            f"{' x '.join(map(str, shape)) or '()'} but {count} values"
        )
    return MappedBlob(file, shape, legacy, dtype, found)


def _dims(file: MappedFile, shape: Field) -> list[int]:
    dims: list[int] = []
    for field in _fields(file, shape.start, shape.stop, (1,)):
        if field.number == 1 and field.kind == VARINT:
            dims.append(field.value)
        elif field.number == 1 and field.kind == LENGTH:
            position = field.start
            while position < field.stop and len(dims) <= MOST_AXES:
                value, position = varint(file.data, position, field.stop)
                dims.append(value)
        if len(dims) > MOST_AXES:
            raise WireError(f"the shape at byte {shape.start} has more than {MOST_AXES} axes")
    return dims


def _packed(field: Field, width: int) -> Run:
    return _packed_bytes(Run(field.start, field.stop - field.start, 1), width)


def _packed_bytes(run: Run, width: int) -> Run:
    if run.count % width:
        raise WireError(
            f"the {run.count} bytes at byte {run.offset} are not whole numbers of {width} bytes"
        )
    return Run(run.offset, run.count // width, width)


def _unpacked(file: MappedFile, position: int, stop: int, first: Field) -> Run:
    """The numbers from `position` on that carry a tag of one byte each."""
    stride = first.stop - position
    limit = (stop - position) // stride
    count, block = 1, 1024
    while count < limit and first.start == position + 1:
        # Read, not mapped: pages that were looked at would add up in memory.
        numbers = np.empty((min(block, limit - count), stride), np.uint8)
        file.read_into(position + count * stride, numbers)
        others = np.flatnonzero(numbers[:, 0] != file.data[position])
        if len(others):
            count += int(others[0])
            break
        count, block = count + len(numbers), min(2 * block, CONVERTED)
    return Run(first.start, count, stride)


def _other_message(file: MappedFile) -> str:
    """What else the message is: a net's field 1 is its name, never a number."""
    kinds: dict[int, int] = {}
    for field in fields(file.data, 0, file.size, (1, DATA, DOUBLE_DATA)):
        kinds.setdefault(field.number, field.kind)
    if kinds.get(1) != VARINT:
        return ""
    if DATA in kinds or DOUBLE_DATA in kinds:
        return "this is a single blob (a mean file?), not weights"
    return (
        "this is a solver state, not weights; resume from it with --snapshot, or give the "
        ".caffemodel that was saved with it"
    )
