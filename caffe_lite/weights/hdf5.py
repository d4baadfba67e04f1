"""HDF5 weights (.caffemodel.h5): group data/<layer> holds dataset <i> for each learned blob."""

import logging
import re
from typing import Any

import h5py
import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.foreign import shorten
from caffe_lite.proto.hdf5_file import new_hdf5
from caffe_lite.proto.hdf5_input import Hdf5Input
from caffe_lite.types import Array
from caffe_lite.weights.checksum import FileIdentity
from caffe_lite.weights.hdf5_checksum import HDF5Checksum, check_hdf5, in_place
from caffe_lite.weights.mapped import MappedBlob, MappedFile, Run
from caffe_lite.weights.named import MOST_BLOBS
from caffe_lite.weights.stored import ArrayBlob, StoredBlob, Weights

log = logging.getLogger("caffe_lite.net")

_BLOB = re.compile(r"[0-9]{1,18}")
LEGACY = "legacy"  # attribute of a blob with a shape of num, channels, height and width
DEFINITION = "definition"  # dataset beside `data`: the net's prototxt as bytes of UTF-8


class DatasetBlob(StoredBlob):
    """A blob in an HDF5 dataset."""

    def __init__(self, dataset: Any, file: Hdf5Input) -> None:
        self.dataset, self.file = dataset, file
        self.shape, self.legacy = dataset.shape, LEGACY in dataset.attrs

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.dataset.dtype
        return dtype

    def safe(self) -> StoredBlob:
        return ArrayBlob(self.array(), self.legacy)

    def array(self) -> Array:
        out = np.empty(self.shape, self.dataset.dtype)
        self.read_into(out)
        return out

    def read_into(self, out: Array) -> None:
        if not self.count:
            return
        with self.file.reading():
            self.dataset.read_direct(out.reshape(self.shape))


def open_hdf5(path: StrPath) -> Hdf5Input:
    """The HDF5 file at `path`, open for reading; ModelError if that fails."""
    return Hdf5Input(path, ModelError, "copy it again, or use another snapshot")


def dataset_blob(node: Any, file: Hdf5Input, mapped: MappedFile) -> StoredBlob:
    """`node` as a blob; ModelError unless it is a dataset of real numbers within the file."""
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu" or node.shape is None:
        raise ModelError(f"{file.path}: {node.name} must be a dataset of numbers")
    file.check(node)
    offset = in_place(node, mapped)
    if offset is None:
        return DatasetBlob(node, file)
    run = Run(offset, node.size, node.dtype.itemsize)
    return MappedBlob(mapped, node.shape, LEGACY in node.attrs, node.dtype.str, [run])


def read_hdf5(mapped: MappedFile) -> Weights:
    """The layers of an HDF5 caffemodel. Raises ModelError for anything else."""
    file = open_hdf5(mapped.path)
    try:
        with file.reading():
            newer = check_hdf5(file.file, mapped)
            if newer:
                log.warning("%s: %s; it is not verified", mapped.path, newer)
            layers = _layers(file, mapped)
            definition = _definition(file)
        return Weights(file.path, layers, mapped, "HDF5", sparse=True, definition=definition)
    except BaseException:
        file.close()
        raise


def _definition(file: Hdf5Input) -> str:
    node = file.find(file.file, DEFINITION)
    if not isinstance(node, h5py.Dataset) or node.dtype != np.uint8 or node.ndim != 1:
        return ""
    file.check(node)
    return bytes(node[()]).decode("utf-8", "replace")


def _layers(file: Hdf5Input, mapped: MappedFile) -> dict[str, list[StoredBlob | None]]:
    data = file.find(file.file, "data")
    if not isinstance(data, h5py.Group):
        names = file.names(file.file)
        if "history" in names and "iter" in names:
            raise ModelError(
                f"{file.path}: this is a solver state, not weights; resume from it with "
                "--snapshot, or give the .caffemodel.h5 that was saved with it"
            )
        raise ModelError(
            f'{file.path}: an HDF5 file without the group "data" of a caffemodel; it holds '
            f"{shorten(', '.join(sorted(names)), 200) or 'nothing'}"
        )
    layers: dict[str, list[StoredBlob | None]] = {}
    _collect(file, mapped, data, "", layers)
    return layers


def _collect(
    file: Hdf5Input,
    mapped: MappedFile,
    group: Any,
    prefix: str,
    layers: dict[str, list[StoredBlob | None]],
) -> None:
    """Add the layers below `group`; HDF5 nests groups where a layer's name has slashes."""
    numbered: dict[int, Any] = {}
    groups = []
    for name in file.names(group):
        node = file.find(group, name)
        if isinstance(node, h5py.Group):
            groups.append((name, node))
        elif prefix and isinstance(node, h5py.Dataset) and _BLOB.fullmatch(name):
            numbered[int(name)] = node
        else:
            where = f"{group.name}/{shorten(name)}"
            raise ModelError(f"{file.path}: {where} must be a group of blobs")
    layer = prefix.removesuffix("/")
    if max(numbered, default=0) > MOST_BLOBS:
        raise ModelError(f'{file.path}: damaged: blob {max(numbered)} of layer "{shorten(layer)}"')
    if prefix and (numbered or not groups):
        layers[layer] = [
            dataset_blob(numbered[i], file, mapped) if i in numbered else None
            for i in range(max(numbered, default=-1) + 1)
        ]
    for name, node in groups:
        _collect(file, mapped, node, f"{prefix}{name}/", layers)


def write_hdf5(net: Any, path: StrPath, diff: bool = False) -> FileIdentity:
    """Write the learned blobs of `net` as an HDF5 caffemodel; all of it, or on failure nothing.

    Returns what names the file's contents. A checksum is in an attribute of the root.

    Every layer gets a group in `data`, empty without blobs; a blob shared with an earlier layer is
    not written again. With `diff`, the gradients of all blobs are in `diff` likewise.
    """
    with atomic_path(path) as temporary:
        with new_hdf5(temporary, libver="earliest") as file:
            checksum = HDF5Checksum(file, _sizes(net, diff))
            _write_layers(file, net, diff, checksum)
        return checksum.fill_in(temporary)


def _sizes(net: Any, diff: bool) -> list[int]:
    sizes = [b.count * b.ops.dtype.itemsize for layer in net.layers for b in layer.blobs]
    return sizes * 2 if diff else sizes


def _write_layers(file: Any, net: Any, diff: bool, checksum: HDF5Checksum) -> None:
    seen: set[int] = set()
    for layer in net.layers:
        data = file.require_group(f"data/{layer.name}")
        if diff:
            gradients = file.require_group(f"diff/{layer.name}")
        for i, blob in enumerate(layer.blobs):
            if blob.buffer_ids[0] not in seen:
                seen.add(blob.buffer_ids[0])
                data[str(i)] = blob.ops.to_host(blob.data)
                checksum.note(data[str(i)])
            if diff:
                gradients[str(i)] = blob.ops.to_host(blob.diff)
                checksum.note(gradients[str(i)])
