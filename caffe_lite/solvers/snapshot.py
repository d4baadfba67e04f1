"""Snapshots: the weights file and the solver state of an iteration, written and restored."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import CaffeError, ModelError, SolverError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.proto.files import StrPath
from caffe_lite.solvers import events
from caffe_lite.weights import copy_weights, read_weights, write_caffemodel, write_hdf5
from caffe_lite.weights.solverstate import read_solverstate, write_solverstate
from caffe_lite.weights.stored import SolverState

if TYPE_CHECKING:
    from caffe_lite.solvers.base import Solver

log = logging.getLogger("caffe_lite.solver")


def paths(solver: Solver) -> tuple[str, str]:
    """The files of weights and state that a snapshot of the present iteration has."""
    end = ".h5" if solver.param.snapshot_format == schema.SolverParameter.HDF5 else ""
    stem = f"{solver.snapshot_prefix}_iter_{solver.iter}"
    return f"{stem}.caffemodel{end}", f"{stem}.solverstate{end}"


def write(solver: Solver) -> tuple[str, str]:
    """Write both files of the solver's iteration, each whole or not at all; their paths."""
    param = solver.param
    hdf5 = param.snapshot_format == schema.SolverParameter.HDF5
    weights, state = paths(solver)
    solver.emit(events.Snapshotting("weights", weights, hdf5))
    (write_hdf5 if hdf5 else write_caffemodel)(solver.net, weights, param.snapshot_diff)
    solver.emit(events.Snapshotting("state", state, hdf5))
    write_solverstate(
        state,
        SolverState(solver.iter, weights, solver.current_step, extra=solver.get_state()),
        solver.ops,
        solver.updater.history_arrays(),
        hdf5,
    )
    solver.emit(events.Snapshotted(solver.iter, weights, state))
    return weights, state


def restore(solver: Solver, path: StrPath) -> bool:
    """Set the solver to a solver state; whether that holds all that decides what comes next.

    Everything is checked before anything is changed. Caffe's own files hold neither the position
    in the data nor the random numbers, so training goes on from them, but not on the same batches.
    """
    name = os.fspath(path)
    state = read_solverstate(path)
    _check(solver, state, name)
    if state.learned_net is not None:
        copy_weights(solver.net, read_weights(_find_weights(state.learned_net, name)))
    solver.updater.set_history(state.history)
    solver.iter, solver.current_step = state.iteration, state.current_step
    if state.extra is None:
        log.info(
            "%s holds no data position and no random state: training goes on from its weights "
            "and history, with the data from its start",
            name,
        )
        return False
    problems = solver.set_state(state.extra)
    for problem in problems:
        log.warning("%s: %s; the rest is restored", name, problem)
    return not problems


def set_net_state(net: Net, saved: dict[str, Any]) -> list[str]:
    """Set each layer's state by its name; what is wrong with those that their layers refuse."""
    problems = []
    for name, state in saved.items():
        try:
            net.set_state({name: state})
        except CaffeError as error:
            problems.append(str(error))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            problems.append(
                f'layer "{name}": its saved state is of another kind of layer ({error})'
            )
    return problems


def _check(solver: Solver, state: SolverState, name: str) -> None:
    extra = state.extra if state.extra is not None else solver.get_state()
    if not extra.keys() >= {"type", "losses", "net", "test_nets"}:
        raise SolverError(
            f"{name}: its saved state lacks parts; it is damaged, or of another "
            "version of this program"
        )
    saved = extra["type"]
    if saved != solver.type:
        raise SolverError(
            f'{name}: saved by a solver of type "{saved}", this one is '
            f'"{solver.type}"; set type: "{saved}" in {solver.place}, or start from '
            "the weights alone (--weights)"
        )
    shapes = [blob.shape for blob in solver.history]
    if len(state.history) != len(shapes):
        raise SolverError(
            f"{name}: holds {len(state.history)} history blobs, this net has "
            f'{len(shapes)} under type: "{solver.type}"; it was saved for another '
            "net or type of solver; start from the weights alone (--weights)"
        )
    for i, (stored, shape) in enumerate(zip(state.history, shapes, strict=True)):
        if not stored.fits(shape):
            raise SolverError(
                f"{name}: history blob {i} is {stored.shape}, this net's learned "
                f"blob {shape}: it was saved for another net"
            )


def _find_weights(saved: str, state_path: str) -> str:
    """The weights file as the state names it, else of that name in the state's own folder."""
    beside = os.path.join(os.path.dirname(state_path), os.path.basename(saved))
    for path in (saved, beside):
        if os.path.exists(path):
            return path
    raise ModelError(
        f'{state_path}: its weights file "{saved}" is missing, and there is none at '
        f'"{beside}" either'
    )
