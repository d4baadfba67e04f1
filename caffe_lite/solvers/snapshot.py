"""Snapshots: the weights file and the solver state of an iteration, written and restored."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from caffe_lite.errors import CaffeError, ModelError, SolverError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.proto.files import StrPath
from caffe_lite.solvers import events
from caffe_lite.solvers.plateau import Plateau
from caffe_lite.solvers.saved_state import check_extra
from caffe_lite.solvers.snapshot_files import prune, snapshots
from caffe_lite.types import State
from caffe_lite.weights import (
    Weights,
    copy_weights,
    read_weights,
    write_caffemodel,
    write_hdf5,
)
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
    """Write both files of the solver's iteration, each whole or not at all; their paths.

    Then old snapshots are removed, if the solver is to keep only some.
    """
    param = solver.param
    hdf5 = param.snapshot_format == schema.SolverParameter.HDF5
    weights, state = paths(solver)
    solver.emit(events.Snapshotting("weights", weights, hdf5))
    identity = (write_hdf5 if hdf5 else write_caffemodel)(solver.net, weights, param.snapshot_diff)
    solver.emit(events.Snapshotting("state", state, hdf5))
    saved = SolverState(
        solver.iter, weights, solver.current_step, extra=solver.get_state(), weights=identity
    )
    if param.lr_policy == "plateau":
        saved.minimum_loss = solver.plateau.minimum_loss
        saved.iter_last_event = solver.plateau.last_event
    write_solverstate(state, saved, solver.ops, solver.updater.history_arrays(), hdf5)
    solver.emit(events.Snapshotted(solver.iter, weights, state))
    if solver.keep is not None:
        prune(solver.snapshot_prefix, solver.iter, solver.keep, solver.keep_every)
    return weights, state


def restore(solver: Solver, path: StrPath) -> bool:
    """Restore a solver state. Returns True if the run can resume bit for bit.

    Everything is read and checked before anything is changed. Caffe's own files hold neither the
    position in the data nor the random numbers, so training continues from them, but not on the
    same batches.
    """
    name = os.fspath(path)
    state = read_solverstate(path)
    _check_fit(solver, state, name)
    history = [source.safe() for source in state.history]
    weights = None if state.learned_net is None else find_weights(state, name)
    if weights is not None:
        copy_weights(solver.net, weights)
    solver.updater.set_history(history)
    solver.iter, solver.current_step = state.iteration, state.current_step
    if state.minimum_loss is not None:
        solver.plateau = Plateau(state.minimum_loss, state.iter_last_event)
    if state.extra is None:
        log.info(
            "%s holds no data position and no random state: training continues from its weights "
            "and history, with the data from its start",
            name,
        )
        return False
    problems = solver.set_state(state.extra)
    for problem in problems:
        log.warning("%s: %s; the rest is restored", name, problem)
    return not problems


def set_net_state(net: Net, saved: State) -> list[str]:
    """Set each layer's state by its name.

    Returns what is wrong with the states that their layers refuse; such layers stay as they were.
    """
    problems = []
    before = net.get_state()
    for layer in net.layers:
        if layer.name not in saved:
            continue
        try:
            layer.set_state(saved[layer.name])
        except Exception as error:  # whatever a layer raises for a state that is not its own
            problems.append(
                str(error)
                if isinstance(error, CaffeError)
                else f'layer "{layer.name}": its saved state is of another kind of layer ({error})'
            )
            layer.set_state(before.get(layer.name, {}))
    return problems


def _check_fit(solver: Solver, state: SolverState, name: str) -> None:
    if state.extra is not None:
        problem = check_extra(state.extra)
        correlations = state.extra.get("correlations")
        if not problem and correlations and len(correlations) != len(solver.updater.blobs):
            problem = f"has {len(correlations)} correlations for {len(solver.updater.blobs)} blobs"
        if problem:
            raise SolverError(
                f"{name}: its saved state {problem}; it is damaged, or of another version of this "
                "program"
            )
        saved = state.extra["type"]
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


def newest_whole(prefix: str) -> str | None:
    """The newest solver state under a prefix that is whole, with its weights; None if none exists.

    The log says which it is, and why newer ones are passed over. Raises SolverError if there are
    some, but none is whole.
    """
    found = snapshots(prefix)
    problem = ""
    for each in reversed(found):
        try:
            state = read_solverstate(each.state)
            if state.learned_net is not None:
                find_weights(state, str(each.state))
        except (SolverError, ModelError) as error:
            log.warning("not resuming from %s: %s", each.state, error)
            problem = problem or str(error)
            continue
        log.info("Resuming from %s, the newest whole snapshot", each.state)
        return str(each.state)
    if found:
        raise SolverError(
            f'no snapshot under "{prefix}" is whole ({problem}); remove them to train from the '
            "start, or give another snapshot_prefix"
        )
    log.info('there is no snapshot under "%s" yet: training from the start', prefix)
    return None


def find_weights(state: SolverState, state_path: str) -> Weights:
    """The weights that a solver state names, verified.

    They are looked for in the state's own folder, then where the state says. Raises ModelError if
    they are missing or damaged, and SolverError if they are not those that were saved with the
    state.
    """
    saved = state.learned_net or ""
    beside = os.path.join(os.path.dirname(state_path), os.path.basename(saved))
    path = next((path for path in (beside, saved) if os.path.isfile(path)), None)
    if path is None:
        raise ModelError(
            f'{state_path}: its weights file "{saved}" is missing: there is none at "{beside}" or '
            f'"{saved}"'
        )
    weights = read_weights(path)
    weights.verify()
    if state.weights is not None:
        found = weights.file.identity()
        if found != state.weights:
            raise SolverError(
                f"{path}: this is not the weights file that {state_path} was saved with: it has "
                f"{found.size} bytes and SHA-256 {found.sha256[:12]}..., not {state.weights.size} "
                f"and {state.weights.sha256[:12]}...; put that file in its place, or start from "
                "this one alone (--weights)"
            )
    return weights
