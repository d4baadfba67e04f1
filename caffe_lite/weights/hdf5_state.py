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
from caffe_lite.weights.extra import packed_extra, set_extra
from caffe_lite.weights.hdf5 import dataset_blob, open_hdf5
from caffe_lite.weights.hdf5_checksum import HDF5Checksum, check_hdf5
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.stored import SolverState, StoredBlob

MAGIC = b"caffe_lite state\n"
_HEAD = len(MAGIC) + 8  # followed by the payload's length, little-endian


def read_hdf5_state(mapped: MappedFile) -> SolverState:
    """The solver state in an HDF5 file; ModelError or ValueError for anything else."""
    file = open_hdf5(mapped.path)
    try:
        with file.reading():
            newer = check_hdf5(file.file, mapped)
            if newer:
                raise ModelError(f"{mapped.path}: {newer}; update caffe_lite to resume from it")
            state = _read(file, mapped)
    except BaseException:
        file.close()
        raise
    if bytes(mapped.data[: len(MAGIC)]) == MAGIC:
        length = int.from_bytes(mapped.data[len(MAGIC) : _HEAD], "little")
        set_extra(state, mapped.data[_HEAD : _HEAD + length])
    return state


def _read(file: Hdf5Input, mapped: MappedFile) -> SolverState:
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
    state = SolverState(
        int(_number(file, "iter")),
        None if learned_net is None else _string(file, learned_net),
        int(_number(file, "current_step")),
        [_history(file, mapped, history, i) for i in range(len(history))],
    )
    if file.find(root, "minimum_loss") is not None:
        state.minimum_loss = float(_number(file, "minimum_loss"))
        state.iter_last_event = int(_number(file, "iter_last_event"))
    return state


def _number(file: Hdf5Input, name: str) -> Any:
    dataset = file.find(file.file, name)
    if dataset is None:
        raise ModelError(f"{file.path}: this solver state has no {name}")
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != (1,):
        raise ModelError(f"{file.path}: {name} of this solver state must be one number")
    return dataset[0]


def _history(file: Hdf5Input, mapped: MappedFile, history: Any, i: int) -> StoredBlob:
    dataset = file.find(history, str(i))
    if dataset is None:
        raise ModelError(f"{file.path}: this solver state has {len(history)} histories, but no {i}")
    return dataset_blob(dataset, file, mapped)


def write_hdf5_state(path: StrPath, state: SolverState, ops: Any, history: Sequence[Any]) -> None:
    """Write a .solverstate.h5 with these history arrays: all of it, or on any failure nothing.

    It depends only on the state; it contains no timestamps.
    """
    extra = packed_extra(state)
    block = _block_size(len(extra)) if extra else 0
    with atomic_path(path) as temporary:
        with new_hdf5(temporary, libver="earliest", userblock_size=block) as file:
            checksum = HDF5Checksum(file, [array.nbytes for array in history])
            file["iter"] = np.array([state.iteration], np.int32)
            file["current_step"] = np.array([state.current_step], np.int32)
            if state.minimum_loss is not None:
                file["minimum_loss"] = np.array([state.minimum_loss], ops.dtype)
                file["iter_last_event"] = np.array([state.iter_last_event], np.int32)
            if state.learned_net is not None:
                _write_string(file, "learned_net", state.learned_net)
            group = file.create_group("history")
            for i, array in enumerate(history):
                group[str(i)] = ops.to_host(array)
                checksum.note(group[str(i)])
        if extra:
            with open(temporary, "r+b") as raw:
                raw.write(MAGIC + len(extra).to_bytes(8, "little") + extra)
        checksum.fill_in(temporary)


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
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_obj_track_times(False)
    scalar = h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, scalar, created)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(value, f"S{len(value)}"), mtype=kind)
