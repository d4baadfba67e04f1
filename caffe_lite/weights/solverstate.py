"""Solver state files (.solverstate, .solverstate.h5), as Caffe's own, and what they hold beyond.

Caffe keeps the iteration, the name of the weights file, the step of the learning rate and the
history of the update rule. What else decides how training continues (data cursors, random numbers,
recurrent state), the size and hash of the weights file and a checksum are where Caffe's readers
skip them: in fields of their own at the end of the message, or in the user block before the HDF5
data and in attributes.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from caffe_lite.errors import ModelError, SolverError
from caffe_lite.proto import schema
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.sniff import describe
from caffe_lite.proto.wire import (
    FIXED32,
    LENGTH,
    VARINT,
    WireError,
    fields,
    tag_bytes,
    varint_bytes,
)
from caffe_lite.weights.caffemodel import blob_at
from caffe_lite.weights.checksum import CheckedWriter
from caffe_lite.weights.encode import BlobWriter, blob_parts
from caffe_lite.weights.extra import packed_extra, set_extra
from caffe_lite.weights.mapped import MappedFile
from caffe_lite.weights.read import is_hdf5
from caffe_lite.weights.stored import SolverState
from caffe_lite.weights.trailer import TRAILER, Trailer, write_trailer

ITER, LEARNED_NET, HISTORY, CURRENT_STEP = 1, 2, 3, 4
MINIMUM_LOSS, ITER_LAST_EVENT = 5, 6  # of SSD's policy plateau
EXTRA = 65601  # beyond every field that a fork is known to use
WANTED = (
    *(ITER, LEARNED_NET, HISTORY, CURRENT_STEP, MINIMUM_LOSS, ITER_LAST_EVENT),
    *(EXTRA, *TRAILER),
)


MOST = 2**31 - 1  # an iteration is an int32 in Caffe


def read_solverstate(path: StrPath) -> SolverState:
    """Read a .solverstate, binary or HDF5, verified against its checksum if it has one.

    Raises SolverError, in one line, for any other file, a damaged one, and one of a newer version.
    """
    try:
        file = MappedFile(path)
        if is_hdf5(file):
            from caffe_lite.weights.hdf5_state import read_hdf5_state

            state = read_hdf5_state(file)
        else:
            state = _read_binary(file)
        file.verify()
        state.checked = file.checked
    except (WireError, ValueError) as error:
        raise SolverError(
            f"{os.fspath(path)}: not a solver state, or damaged or cut short ({error})"
        ) from None
    except ModelError as error:
        raise SolverError(str(error)) from None
    counts = state.iteration, state.current_step, state.iter_last_event
    if not all(0 <= count <= MOST for count in counts):
        raise SolverError(
            f"{file.path}: damaged: iteration {state.iteration}, learning rate step "
            f"{state.current_step}, last event {state.iter_last_event}"
        )
    return state


def _read_binary(file: MappedFile) -> SolverState:
    kind = describe(file.data[:65536])
    if kind:
        raise ModelError(f"{file.path}: this is {kind}, not a solver state")
    state, trailer, extra = SolverState(iteration=-1), Trailer(file), b""
    for item in fields(file.data, 0, file.size, WANTED):
        trailer.take(item)
        if item.number == ITER and item.kind == LENGTH:
            raise ModelError(
                f"{file.path}: this holds weights, not a solver state; give the "
                ".solverstate beside it, or start from it with --weights"
            )
        if item.number == ITER and item.kind == VARINT:
            state.iteration = item.value
        elif item.number == LEARNED_NET and item.kind == LENGTH:
            state.learned_net = file.data[item.start : item.stop].decode("utf-8", "surrogateescape")
        elif item.number == HISTORY and item.kind == LENGTH:
            state.history.append(blob_at(file, item.start, item.stop))
        elif item.number == CURRENT_STEP and item.kind == VARINT:
            state.current_step = item.value
        elif item.number == MINIMUM_LOSS and item.kind == FIXED32:
            (state.minimum_loss,) = struct.unpack("<f", file.data[item.start : item.stop])
        elif item.number == ITER_LAST_EVENT and item.kind == VARINT:
            state.iter_last_event = item.value
        elif item.number == EXTRA and item.kind == LENGTH:
            extra = file.data[item.start : item.stop]
    newer = trailer.verify()
    if newer:
        raise ModelError(f"{file.path}: {newer}; update caffe_lite to resume from it")
    if state.iteration < 0:
        raise WireError("it holds no iteration")
    set_extra(state, extra)
    return state


def write_solverstate(
    path: StrPath, state: SolverState, ops: Any, history: Sequence[Any], hdf5: bool = False
) -> None:
    """Write a .solverstate with these history arrays (not `state`'s): all or, on failure, nothing.

    A checksum follows.
    """
    if hdf5:
        from caffe_lite.weights.hdf5_state import write_hdf5_state

        write_hdf5_state(path, state, ops, history)
        return
    extra = packed_extra(state)
    with atomic_path(path) as temporary, open(temporary, "wb") as raw:
        file = CheckedWriter(raw)
        for part in _parts(state, ops, history):
            file.write(part)
        if extra:
            file.write(tag_bytes(EXTRA, LENGTH) + varint_bytes(len(extra)))
            file.write(extra)
        write_trailer(file)


def _parts(state: SolverState, ops: Any, history: Sequence[Any]) -> Iterator[bytes | memoryview]:
    head = schema.SolverState(iter=state.iteration)
    if state.learned_net is not None:
        head.learned_net = state.learned_net
    yield head.SerializeToString()
    for array in history:
        yield from blob_parts(HISTORY, BlobWriter.of(ops, array))
    yield schema.SolverState(current_step=state.current_step).SerializeToString()
    if state.minimum_loss is not None:
        yield tag_bytes(MINIMUM_LOSS, FIXED32) + struct.pack("<f", state.minimum_loss)
        yield tag_bytes(ITER_LAST_EVENT, VARINT) + varint_bytes(state.iter_last_event)
