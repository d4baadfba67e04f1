"""Checkpoints of other programs: tensors by name, in the file's order or a natural one."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, ModelError, UsageError
from caffe_lite.importer.natural import natural
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.foreign import foreign, reason, shorten
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.npz import is_zip, read_arrays
from caffe_lite.weights.read import is_hdf5
from caffe_lite.weights.safetensors import is_safetensors, read_tensors
from caffe_lite.weights.stored import ArrayBlob, StoredBlob

_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
_NESTED = ("state_dict", "model_state_dict", "model", "net", "module")
_TENSOR_KINDS = "fiub"
_PARALLEL = "module."  # before every name that DataParallel saves


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file. `blobs` says which tensor is which blob, where the file does."""

    path: str
    tensors: dict[str, StoredBlob]
    blobs: dict[str, str] = field(default_factory=dict)


def read_checkpoint(path: StrPath) -> Checkpoint:
    """The tensors in a safetensors, npz, .pth or Keras HDF5 file; its content decides which.

    Raises ModelError for damage and for files that would have to run code, UsageError for others.
    """
    file = MappedFile(path)
    if is_hdf5(file):
        from caffe_lite.importer.keras import read_keras

        return Checkpoint(file.path, read_keras(file))
    if is_safetensors(file):
        tensors, texts = read_tensors(file)
        return Checkpoint(file.path, _sorted(tensors), _own_names(texts))
    if is_zip(file) and not _is_torch(file):
        arrays, _, sums = read_arrays(file)
        sums.verify()
        return Checkpoint(file.path, _sorted(arrays))
    if is_zip(file) or Path(file.path).suffix.lower() in _TORCH_SUFFIXES:
        return Checkpoint(file.path, _without_prefix(_read_torch(file.path)))
    raise UsageError(
        f"{file.path}: not a checkpoint that is read: .safetensors, .npz, .pth (PyTorch), .h5 "
        "(Keras); `caffe_lite convert` takes Caffe's own files"
    )


def _sorted(tensors: Mapping[str, StoredBlob]) -> dict[str, StoredBlob]:
    return _without_prefix({name: tensors[name] for name in sorted(tensors, key=natural)})


def _without_prefix(tensors: dict[str, StoredBlob]) -> dict[str, StoredBlob]:
    if all(name.startswith(_PARALLEL) for name in tensors):
        return {name.removeprefix(_PARALLEL): blob for name, blob in tensors.items()}
    return tensors


def _own_names(texts: Mapping[str, Any]) -> dict[str, str]:
    """Blobs by tensor, of a file that `caffe_lite export --to torch` wrote."""
    try:
        found = json.loads(texts.get("blobs", "{}"))
    except (RecursionError, TypeError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {blob: name for name, blob in found.items() if isinstance(blob, str)}


def _is_torch(file: MappedFile) -> bool:
    """Whether a zip archive holds a pickle, as torch.save writes it."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False  # read_arrays says what is wrong with it


def _read_torch(path: str) -> dict[str, StoredBlob]:
    try:
        import torch
    except ImportError:
        raise CaffeError(
            f"{path}: PyTorch's own files need the package torch: pip install caffe_lite[torch], "
            "or save the weights as .safetensors"
        ) from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            f"{path}: cannot be read without running code from it ({_short(error)}); save the "
            "model's state_dict() alone, or as .safetensors"
        ) from None
    with foreign(lambda why: ModelError(f"{path}: {why}")):
        return _tensors(found, path)


def _short(error: Exception) -> str:
    """The first sentence of PyTorch's long explanations."""
    return shorten(re.split(r"\.\s|\n", reason(error))[0], 100)


def _tensors(found: Any, path: str) -> dict[str, StoredBlob]:
    import torch

    for _ in range(3):
        inner = [found[key] for key in _NESTED if isinstance(found, dict) and key in found]
        if not inner or not isinstance(inner[0], dict):
            break
        found = inner[0]
    if not isinstance(found, dict):
        raise ModelError(f"{path}: holds no dict of tensors; save the model's state_dict()")
    tensors: dict[str, StoredBlob] = {}
    for name, value in found.items():
        if not isinstance(value, torch.Tensor):
            continue
        value = value.detach().to_dense() if value.is_sparse else value.detach()
        value = value.float() if value.dtype == torch.bfloat16 else value
        array = np.asarray(value.contiguous().numpy())
        if array.dtype.kind in _TENSOR_KINDS:
            tensors[str(name)] = ArrayBlob(array)
    if not tensors:
        raise ModelError(f"{path}: holds no tensors; save the model's state_dict()")
    return tensors
