"""Safetensors files: a JSON header that says where each array lies, then the arrays.

The first 8 bytes are the header's length N (little-endian), the next N are JSON:
{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [start, stop]}, ...,
"__metadata__": {"key": "text"}}; offsets count from the header's end, and the arrays fill the rest
of the file without gaps. Format: https://huggingface.co/docs/safetensors.
"""

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.foreign import foreign, shorten
from caffe_lite.types import Array
from caffe_lite.weights.crc import Sum, Sums, bytes_of, crc_of
from caffe_lite.weights.mapped import MappedBlob, MappedFile, Run
from caffe_lite.weights.named import Layers, arrange, blob_name, describe
from caffe_lite.weights.stored import StoredBlob, Weights

METADATA = "__metadata__"
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # widened when it is read
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {dtype: name for name, dtype in DTYPES.items() if name != "BF16"}
_LENGTH = 8  # bytes of the header's length
_MOST_HEADER = 100_000_000  # the format's own limit
_MOST_AXES = 32


class Bfloat16Blob(StoredBlob):
    """The upper halves of float32 numbers; they are read as float32, which is exact."""

    def __init__(self, halves: MappedBlob) -> None:
        self.halves, self.shape = halves, halves.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def array(self) -> Array:
        wide = self.halves.array().astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32)

    def read_into(self, out: Array) -> None:
        out[...] = self.array().reshape(out.shape)


def is_safetensors(file: MappedFile) -> bool:
    """Whether the file begins like one: a length that fits it, and a brace."""
    length = int.from_bytes(file.data[:_LENGTH], "little")
    return 2 <= length <= file.size - _LENGTH and file.data[_LENGTH : _LENGTH + 1] == b"{"


def read_safetensors(file: MappedFile) -> Weights:
    """The layers of a file whose arrays are named "<layer>/<number>"; ModelError for others."""
    blobs, texts = read_tensors(file)
    described = arrange(file.path, blobs, texts)
    sums = [
        Sum(name, run.offset, run.count * run.stride, described.sums[name])
        for name, blob in blobs.items()
        if name in described.sums and isinstance(blob, MappedBlob)
        for run in blob.runs
    ]
    return Weights(
        file.path,
        described.layers,
        file,
        "safetensors",
        sparse=True,
        definition=described.definition,
        sums=Sums(file, sums) if sums else None,
    )


def read_tensors(file: MappedFile) -> tuple[dict[str, StoredBlob], dict[str, Any]]:
    """The arrays of a safetensors file by name, and its metadata; ModelError for damage."""
    length = int.from_bytes(file.data[:_LENGTH], "little")
    start = _LENGTH + length
    if length > _MOST_HEADER or start > file.size:
        raise _damaged(file, f"its header takes {length} bytes, the file has {file.size}")
    with foreign(lambda reason: _damaged(file, f"its header cannot be read: {reason}")):
        header = json.loads(file.data[_LENGTH:start].decode("utf-8"))
    if not isinstance(header, dict):
        raise _damaged(file, "its header is not an object")
    texts = header.pop(METADATA, {})
    if not isinstance(texts, dict):
        raise _damaged(file, "its metadata is not an object")
    spans = [_Span(file, name, entry) for name, entry in header.items()]
    end = 0
    for span in sorted(spans, key=lambda each: (each.start, each.stop)):
        if span.start != end:
            raise _damaged(file, f'"{shorten(span.name)}" does not follow the array before it')
        end = span.stop
    if start + end != file.size:
        raise _damaged(file, f"its arrays end at byte {start + end}, the file has {file.size}")
    return {span.name: span.blob(file, start) for span in spans}, texts


class _Span:
    """One entry of the header, checked."""

    def __init__(self, file: MappedFile, name: str, entry: Any) -> None:
        self.name = name
        with foreign(lambda reason: _damaged(file, f'the entry "{shorten(name)}": {reason}')):
            self.kind, shape = entry["dtype"], entry["shape"]
            self.start, self.stop = entry["data_offsets"]
        numbers = [self.start, self.stop, *(shape if isinstance(shape, list) else [None])]
        if any(type(n) is not int or n < 0 for n in numbers) or len(numbers) > _MOST_AXES + 2:
            raise _damaged(file, f'the entry "{shorten(name)}" has no shape and offsets')
        self.shape = tuple(shape)
        dtype = DTYPES.get(self.kind) if isinstance(self.kind, str) else None
        if dtype is None:
            raise ModelError(
                f'{file.path}: "{shorten(name)}" has the type {shorten(str(self.kind))}, which is '
                f"not read; known are {', '.join(DTYPES)}"
            )
        self.dtype = np.dtype(dtype)
        if prod(self.shape) * self.dtype.itemsize != self.stop - self.start:
            raise _damaged(
                file, f'"{shorten(name)}" has {self.stop - self.start} bytes for its shape'
            )

    def blob(self, file: MappedFile, data: int) -> StoredBlob:
        run = Run(data + self.start, prod(self.shape), self.dtype.itemsize)
        found = MappedBlob(file, self.shape, False, self.dtype.str, [run])
        return Bfloat16Blob(found) if self.kind == "BF16" else found


def _damaged(file: MappedFile, what: str) -> ModelError:
    return ModelError(f"{file.path}: damaged safetensors file: {what}")


def write_safetensors(layers: Layers, definition: str, path: StrPath) -> None:
    """Write blobs as arrays "<layer>/<number>", with their description; all of them or nothing."""
    blobs = {
        blob_name(layer, i): blob
        for layer, stored in layers.items()
        for i, blob in enumerate(stored)
        if blob is not None
    }
    sums = {name: crc_of(blob) for name, blob in blobs.items()}
    write_tensors(blobs, describe(layers, definition, sums), path)


def write_tensors(blobs: Mapping[str, StoredBlob], texts: Mapping[str, str], path: StrPath) -> None:
    """Write named arrays and the metadata `texts`, one array in memory at a time.

    Types of more bytes come first, so that each array is aligned. Raises ModelError for a type that
    the format does not have.
    """
    ordered = sorted(blobs.items(), key=lambda item: -item[1].dtype.itemsize)
    header: dict[str, Any] = {METADATA: dict(texts)}
    end = 0
    for name, blob in ordered:
        kind = _NAMES.get(blob.dtype.newbyteorder("<").str)
        if kind is None:
            raise ModelError(f'{path}: "{name}" has the type {blob.dtype}, which cannot be stored')
        start, end = end, end + blob.count * blob.dtype.itemsize
        header[name] = {"dtype": kind, "shape": list(blob.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(len(text).to_bytes(_LENGTH, "little") + text)
        for _, blob in ordered:
            file.write(bytes_of(blob))
