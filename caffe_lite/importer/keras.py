"""Keras's HDF5 files: weights by layer, with the roles that Keras gives them.

Older files (Keras 2) name them, "conv1/kernel:0", and list layers and weights in attributes. Keras
3 (.weights.h5) numbers them, "layers/conv1/vars/0"; the roles follow from their number and axes.
"""

from __future__ import annotations

from typing import Any

import h5py

from caffe_lite.errors import ModelError
from caffe_lite.importer.modules import KERAS_ROLES
from caffe_lite.importer.natural import natural
from caffe_lite.proto.hdf5_input import Hdf5Input
from caffe_lite.weights.hdf5 import dataset_blob, open_hdf5
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.stored import StoredBlob

_VARS = "vars"
_OPTIMIZER = ("optimizer", "optimizer_weights", "metrics")
_ROLES = KERAS_ROLES | {"bias"}


def read_keras(mapped: MappedFile) -> dict[str, StoredBlob]:
    """The weights by "<layer>.<role>", in the order of the layers where the file has one."""
    file = open_hdf5(mapped.path)
    try:
        with file.reading():
            if isinstance(file.find(file.file, "data"), h5py.Group):
                raise ModelError(f"{file.path}: Caffe's own HDF5 weights; use `caffe_lite convert`")
            found: dict[str, StoredBlob] = {}
            root = file.find(file.file, "model_weights")
            for path, node in _datasets(file, root or file.file, ""):
                found[path] = dataset_blob(node, file, mapped)
            order = _layer_order(root or file.file)
            named = _named(found, order)
    except BaseException:
        file.close()
        raise
    if not named:
        raise ModelError(f"{file.path}: an HDF5 file without weights of Keras")
    return named


def _datasets(file: Hdf5Input, group: Any, prefix: str) -> list[tuple[str, Any]]:
    found = []
    for name in sorted(file.names(group), key=natural):
        node = file.find(group, name)
        if isinstance(node, h5py.Group):
            if prefix or name not in _OPTIMIZER:
                found += _datasets(file, node, f"{prefix}{name}/")
        elif isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu":
            found.append((f"{prefix}{name}", node))
    return found


def _layer_order(root: Any) -> dict[str, int]:
    """The position of each layer, from the attribute that Keras 2 writes."""
    names = root.attrs["layer_names"] if "layer_names" in root.attrs else []
    decoded = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    return {name: i for i, name in enumerate(decoded)}


def _named(found: dict[str, StoredBlob], order: dict[str, int]) -> dict[str, StoredBlob]:
    by_layer: dict[str, dict[str, StoredBlob]] = {}
    for path, blob in found.items():
        *parts, last = path.split("/")
        role = last.partition(":")[0]
        if parts and parts[-1] == _VARS:
            # layers/conv1/vars/0, and layers/lstm/cell/vars/0 of recurrent layers
            inner = [part for part in parts[:-1] if part not in ("layers", "cell")]
            by_layer.setdefault("/".join(inner), {})[role] = blob
        elif role in _ROLES:
            layer = parts[0] if parts else ""
            by_layer.setdefault(layer, {})[role] = blob
    layers = sorted(by_layer, key=lambda name: (order.get(name, len(order)), natural(name)))
    return {
        f"{layer}.{role}": blob
        for layer in layers
        for role, blob in _roles(by_layer[layer]).items()
    }


def _roles(weights: dict[str, StoredBlob]) -> dict[str, StoredBlob]:
    """Weights by role; numbered ones get theirs from their axes."""
    if not all(name.isdecimal() for name in weights):
        return weights
    blobs = [weights[name] for name in sorted(weights, key=int)]
    axes = [len(blob.shape) for blob in blobs]
    if axes in ([1, 1, 1, 1], [1, 1, 1, 1, 0]):
        names = ["gamma", "beta", "moving_mean", "moving_variance"]
    elif axes[:2] == [2, 2]:
        names = ["kernel", "recurrent_kernel", "bias"]
    elif len(axes) == 1 and axes[0] in (1, 3) and 1 in (axes[0], *blobs[0].shape[:1]):
        names = ["alpha"]
    else:
        names = ["kernel", "bias"]
    return dict(zip(names, blobs, strict=False))
