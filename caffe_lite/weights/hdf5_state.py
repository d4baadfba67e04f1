"""Solver states in HDF5: iter, learned_net, current_step, history/<i>, and a user block."""

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.hdf5_file import new_hdf5
from caffe_lite.proto.hdf5_input import Hdf5Input
from caffe_lite.weights import payload
from caffe_lite.weights.hdf5 import DatasetBlob, dataset_blob, open_hdf5
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.stored import SolverState

MAGIC = b"caffe_lite state\n"
_HEAD = len(MAGIC) + 8  # followed by the payload's length, little-endian


def read_hdf5_state(mapped: MappedFile) -> SolverState:
    """The solver state in an HDF5 file; ModelError or ValueError for anything else."""
    file = open_hdf5(mapped.path)
    try:
        with file.reading():
            state = _read(file)
    except BaseException:
        file.close()
        raise
    if bytes(mapped.data[: len(MAGIC)]) == MAGIC:
        length = int.from_bytes(mapped.data[len(MAGIC) : _HEAD], "little")
        state.extra = payload.loads(mapped.data[_HEAD : _HEAD + length])
    return state


def _read(file: Hdf5Input) -> SolverState:
    root = file.file
    history, iteration = file.find(root, "history"), file.find(root, "iter")
    if not isinstance(history, h5py.Group) or not isinstance(iteration, h5py.Dataset):
        what = (
            "weights, not a solver state; give the .solverstate.h5 beside it, or start from it "
            "with --weights"
            if file.find(root, "data")
            else "no solver state"
        )
        raise ModelError(f"{file.path}: this holds {what}")
    learned_net = file.find(root, "learned_net")
    return SolverState(
        _number(file, "iter"),
        None if learned_net is None else _string(file, learned_net),
        _number(file, "current_step"),
        [_history(file, history, i) for i in range(len(history))],
    )


def _number(file: Hdf5Input, name: str) -> int:
    dataset = file.find(file.file, name)
    if dataset is None:
        raise ModelError(f"{file.path}: this solver state has no {name}")
    return int(dataset_blob(dataset, file).dataset[0])


def _history(file: Hdf5Input, history: Any, i: int) -> DatasetBlob:
    dataset = file.find(history, str(i))
    if dataset is None:
        raise ModelError(f"{file.path}: this solver state has {len(history)} histories, but no {i}")
    return dataset_blob(dataset, file)


def write_hdf5_state(path: StrPath, state: SolverState, ops: Any, history: Sequence[Any]) -> None:
    """Write a .solverstate.h5 with these history arrays: whole, or on any failure not."""
    extra = payload.dumps(state.extra) if state.extra is not None else b""
    block = _block_size(len(extra)) if extra else 0
    with atomic_path(path) as temporary:
        with new_hdf5(temporary, libver="earliest", userblock_size=block) as file:
            file["iter"] = np.array([state.iteration], np.int32)
            file["current_step"] = np.array([state.current_step], np.int32)
            if state.learned_net is not None:
                _write_string(file, "learned_net", state.learned_net)
            group = file.create_group("history")
            for i, array in enumerate(history):
                group[str(i)] = ops.to_host(array)
        if extra:
            with open(temporary, "r+b") as raw:
                raw.write(MAGIC + len(extra).to_bytes(8, "little") + extra)


def _block_size(length: int) -> int:
    """The power of two, 512 or more, that holds the payload and its head."""
    return max(512, 1 << (_HEAD + length - 1).bit_length())


def _string(file: Hdf5Input, dataset: Any) -> str:
    file.check(dataset)
    value = dataset[()]
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def _write_string(file: Any, name: str, text: str) -> None:
    """A scalar C string of fixed size, its end included: what Caffe's reader copies."""
    value = text.encode("utf-8", "surrogateescape") + b"\0"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(value))
    kind.set_strpad(h5py.h5t.STR_NULLTERM)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(value, f"S{len(value)}"), mtype=kind)
