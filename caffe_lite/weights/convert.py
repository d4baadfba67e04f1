"""Weights from one kind of file into another, blob by blob."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caffe_lite.errors import ModelError, UsageError
from caffe_lite.proto import schema, text
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.types import NetParameter
from caffe_lite.weights.caffemodel import LAYER_BLOBS, NET_LAYER
from caffe_lite.weights.checksum import CheckedWriter
from caffe_lite.weights.definition import definition_of
from caffe_lite.weights.encode import BlobWriter, message_parts
from caffe_lite.weights.named import Layers, blob_name
from caffe_lite.weights.npz import write_npz
from caffe_lite.weights.read import read_weights
from caffe_lite.weights.safetensors import write_safetensors
from caffe_lite.weights.shared import fill_in_shared
from caffe_lite.weights.stored import StoredBlob, Weights
from caffe_lite.weights.trailer import write_trailer

SUFFIXES = {
    ".caffemodel": "caffemodel",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npz": "npz",
    ".safetensors": "safetensors",
}


@dataclass(frozen=True)
class Converted:
    """What was written: numbers of layers, blobs and values; whether the net's definition too."""

    layers: int
    blobs: int
    values: int
    has_definition: bool


def kind_of(path: StrPath) -> str:
    """The kind of weights file that the name of `path` stands for; UsageError if none."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: unknown suffix {suffix or '(none)'}; weights are one of {', '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix]


def convert(
    source: StrPath, target: StrPath, kind: str | None = None, net: NetParameter | None = None
) -> Converted:
    """Write the weights in the file `source` to `target`, as the kind that its name stands for.

    Names, order, shapes, types and values stay, and the definition where both formats have one;
    `net` replaces it. Half precision becomes float32 in a caffemodel, which has no other type.
    Raises ModelError, and writes nothing, for a damaged source and for blobs that the target can't
    hold.
    """
    write = WRITERS[kind or kind_of(target)]
    weights = read_weights(source)
    definition = net if net is not None else definition_of(weights)
    if weights.sums is not None:  # before their values are used
        weights.verify()
    write(weights, definition, target)
    blobs = [blob for stored in weights.stored.values() for blob in stored if blob is not None]
    values = sum(blob.count for blob in blobs)
    return Converted(len(weights), len(blobs), values, definition is not None)


def _to_safetensors(weights: Weights, net: NetParameter | None, path: StrPath) -> None:
    write_safetensors(weights.stored, _text(net), path)


def _to_npz(weights: Weights, net: NetParameter | None, path: StrPath) -> None:
    write_npz(weights.stored, _text(net), path)


def _to_hdf5(weights: Weights, net: NetParameter | None, path: StrPath) -> None:
    from caffe_lite.weights.hdf5_layers import write_hdf5_layers  # h5py takes long to import

    write_hdf5_layers(weights.stored, _text(net), path)


def _to_caffemodel(weights: Weights, net: NetParameter | None, path: StrPath) -> None:
    layers = fill_in_shared(weights, net)
    with atomic_path(path) as temporary, open(temporary, "wb") as raw:
        file = CheckedWriter(raw)
        for part in _caffemodel(layers, net):
            file.write(part)
        write_trailer(file)


WRITERS: dict[str, Callable[[Weights, NetParameter | None, StrPath], None]] = {
    "caffemodel": _to_caffemodel,
    "hdf5": _to_hdf5,
    "npz": _to_npz,
    "safetensors": _to_safetensors,
}


def _text(net: NetParameter | None) -> str:
    return "" if net is None else text.format(net)


def _caffemodel(layers: Layers, net: NetParameter | None) -> Iterator[bytes | memoryview]:
    """The net's layers with their blobs, then the layers of which only blobs are known."""
    message = schema.NetParameter()
    if net is not None:
        message.CopyFrom(net)
        del message.layer[:]
    left = dict(layers)
    yield message.SerializeToString(deterministic=True)
    for layer in [] if net is None else net.layer:
        head = layer.SerializeToString(deterministic=True)
        yield from _layer(layer.name, head, left.pop(layer.name, []))
    for name, blobs in left.items():
        head = schema.LayerParameter(name=name).SerializeToString()
        yield from _layer(name, head, blobs)


def _layer(
    name: str, head: bytes, blobs: Sequence[StoredBlob | None]
) -> Iterator[bytes | memoryview]:
    writers = [_writer(blob, blob_name(name, i)) for i, blob in enumerate(blobs) if blob]
    yield from message_parts(NET_LAYER, head, LAYER_BLOBS, writers)


def _writer(blob: StoredBlob, name: str) -> BlobWriter:
    double = blob.dtype.itemsize > 4
    small = blob.dtype.kind == "f" or blob.dtype.itemsize < 4
    if not small and not _exact(blob, np.float64 if double else np.float32):
        raise ModelError(
            f'blob "{name}" has the type {blob.dtype}, whose values a caffemodel cannot hold '
            "exactly; it holds float32 and float64"
        )
    return BlobWriter(blob.shape, double, [blob.array], blob.legacy)


def _exact(blob: StoredBlob, dtype: type[np.float32 | np.float64]) -> bool:
    values = blob.array()
    return bool((values.astype(dtype).astype(values.dtype) == values).all())
