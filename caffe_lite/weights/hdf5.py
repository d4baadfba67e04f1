"""HDF5 weights (.caffemodel.h5): group data/<layer> holds dataset <i> for each learned blob."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.hdf5_file import DAMAGE, new_hdf5, reason
from caffe_lite.weights.stored import StoredBlob, Weights

Array = Any

MOST_BLOBS = 10_000  # of one layer; a higher number is damage, not a blob


class DatasetBlob(StoredBlob):
    """A blob in an HDF5 dataset."""

    def __init__(self, dataset: Any, path: str) -> None:
        self.dataset, self.path = dataset, path
        self.shape = dataset.shape

    def array(self) -> Array:
        out = np.empty(self.shape, self.dataset.dtype)
        self.read_into(out)
        return out

    def read_into(self, out: Array) -> None:
        if not self.count:
            return
        with reading(self.path):
            self.dataset.read_direct(out.reshape(self.shape))


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Tell what h5py raises for a damaged file as a ModelError that names it."""
    try:
        yield
    except ModelError:
        raise
    except DAMAGE as error:
        raise ModelError(
            f"{path}: damaged HDF5 file ({reason(error)}); copy it again, or use another snapshot"
        ) from None


def open_hdf5(path: StrPath) -> Any:
    """The HDF5 file at `path`, open for reading; ModelError if that fails."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ModelError(
            f"{os.fspath(path)}: cannot be read as HDF5, it is damaged or cut short "
            f"({reason(error)}); copy it again, or use another snapshot"
        ) from None


def dataset_blob(node: Any, path: str) -> DatasetBlob:
    """`node` as a blob; ModelError unless it is a dataset of real numbers."""
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu":
        raise ModelError(f"{path}: {node.name} must be a dataset of numbers")
    return DatasetBlob(node, path)


def read_hdf5(path: StrPath) -> Weights:
    """The layers of an HDF5 caffemodel. Raises ModelError for anything else."""
    name = os.fspath(path)
    file = open_hdf5(path)
    try:
        with reading(name):
            return Weights(name, _layers(file, name), sparse=True)
    except BaseException:
        file.close()
        raise


def _layers(file: Any, path: str) -> dict[str, list[StoredBlob | None]]:
    data = file.get("data")
    if not isinstance(data, h5py.Group):
        if "history" in file and "iter" in file:
            raise ModelError(
                f"{path}: this is a solver state, not weights; resume from it with "
                "--snapshot, or give the .caffemodel.h5 that was saved with it"
            )
        raise ModelError(
            f'{path}: an HDF5 file without the group "data" of a caffemodel; it holds '
            f"{', '.join(sorted(file)) or 'nothing'}"
        )
    layers: dict[str, list[StoredBlob | None]] = {}
    _collect(data, "", layers, path)
    return layers


def _collect(
    group: Any, prefix: str, layers: dict[str, list[StoredBlob | None]], path: str
) -> None:
    """Layers below `group`; HDF5 nests groups where a layer's name has slashes."""
    for name, node in _nodes(group):
        layer = f"{prefix}{name}"
        if not isinstance(node, h5py.Group):
            if not prefix or not name.isdecimal():
                raise ModelError(f"{path}: {node.name} must be a group of blobs")
            continue
        numbered = {
            int(key): blob
            for key, blob in _nodes(node)
            if key.isdecimal() and isinstance(blob, h5py.Dataset)
        }
        if max(numbered, default=0) > MOST_BLOBS:
            raise ModelError(f'{path}: damaged: blob {max(numbered)} of layer "{layer}"')
        if numbered or not len(node):
            layers[layer] = [
                dataset_blob(numbered[i], path) if i in numbered else None
                for i in range(max(numbered, default=-1) + 1)
            ]
        _collect(node, f"{layer}/", layers, path)


def _nodes(group: Any) -> Iterator[tuple[str, Any]]:
    """What stands in `group`, by name; h5py gives names that are not UTF-8 as bytes."""
    return ((os.fsdecode(name), group[name]) for name in group)


def write_hdf5(net: Any, path: StrPath, diff: bool = False) -> None:
    """Write the learned blobs of `net` as an HDF5 caffemodel; all of it, or on failure nothing.

    Every layer gets a group in `data`, empty without blobs; a blob shared with an earlier layer is
    not written again. With `diff`, the gradients of all blobs are in `diff` likewise.
    """
    with atomic_path(path) as temporary, new_hdf5(temporary, libver="earliest") as file:
        seen: set[int] = set()
        for layer in net.layers:
            data = file.require_group(f"data/{layer.name}")
            if diff:
                gradients = file.require_group(f"diff/{layer.name}")
            for i, blob in enumerate(layer.blobs):
                if blob.buffer_ids[0] not in seen:
                    seen.add(blob.buffer_ids[0])
                    data[str(i)] = blob.ops.to_host(blob.data)
                if diff:
                    gradients[str(i)] = blob.ops.to_host(blob.diff)
