"""The nets that a solver trains and tests: finds their definitions and builds them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from caffe_lite.backend import Ops
from caffe_lite.nets.net import Net
from caffe_lite.nets.overwritten import overwritten
from caffe_lite.proto import load, schema
from caffe_lite.proto.text import Unknown
from caffe_lite.solvers import events
from caffe_lite.types import NetParameter, NetState, SolverParameter
from caffe_lite.weights import copy_weights, read_weights

log = logging.getLogger("caffe_lite.solver")

Emit = Callable[[events.Event], None]


@dataclass(frozen=True)
class NetSource:
    """A NetParameter with the `state` that filters it, and the field and file it came from."""

    field: str
    param: NetParameter
    file: str | None


def build_nets(
    param: SolverParameter, ops: Ops, seed: int, path: str | None, unknown: Unknown, emit: Emit
) -> tuple[Net, list[Net]]:
    """Build the train net of a checked SolverParameter, and its test nets, which share its weights.

    The files in the field `weights` are copied into each net. `path` is the solver's file.
    """
    files = NetFiles(path, unknown)
    nets: list[Net] = []
    try:
        for source in (train_source(param, files), *test_sources(param, files)):
            index = len(nets) - 1 if nets else None
            emit(events.NetCreating(source.field, index))
            net = Net(source.param, ops=ops, seed=seed + len(nets), source=source.file)
            nets.append(net)
            if index is not None:
                net.debug_info = param.debug_info
                net.share_trained_layers_with(nets[0])
            _copy_weights(param, net, nets[0], path, emit)
    except BaseException:
        for net in nets:
            net.close()
        raise
    for each in overwritten(nets[0]):
        log.warning("%s", each)
    return nets[0], nets[1:]


def _copy_weights(
    param: SolverParameter, net: Net, train_net: Net, path: str | None, emit: Emit
) -> None:
    """Copy the solver's weights into `net`, except for layers shared with the train net."""
    own = None
    if net is not train_net:
        shared = set(train_net.layer_names)
        own = {layer.name for layer in net.layers if layer.blobs and layer.name not in shared}
        if not own:
            return
    for names in param.weights:
        for name in names.split(","):
            file = _found(name.strip(), path)
            report = copy_weights(net, read_weights(file), own)
            if own is None:
                emit(events.WeightsCopied(file, report.text()))


def train_source(param: SolverParameter, files: NetFiles) -> NetSource:
    """The train net of a checked SolverParameter."""
    state = schema.NetState(phase=schema.TRAIN)
    for field in ("train_net_param", "net_param"):
        if param.HasField(field):
            return _source(field, getattr(param, field), state, param.train_state, files.solver)
    field = "train_net" if param.HasField("train_net") else "net"
    name = getattr(param, field)
    net, file = files.read(name)
    return _source(f"{field} file: {name}", net, state, param.train_state, file)


def test_sources(param: SolverParameter, files: NetFiles) -> list[NetSource]:
    """The test nets in the order of test_iter: test_net_param, test_net, then net or net_param."""
    found = [("test_net_param", net, files.solver) for net in param.test_net_param]
    found += [(f"test_net file: {name}", *files.read(name)) for name in param.test_net]
    rest = len(param.test_iter) - len(found)
    if rest and param.HasField("net_param"):
        found += [("net_param", param.net_param, files.solver)] * rest
    elif rest:
        found += [(f"net file: {param.net}", *files.read(param.net))] * rest
    state = schema.NetState(phase=schema.TEST)
    return [
        _source(field, net, state, param.test_state[i] if param.test_state else None, file)
        for i, (field, net, file) in enumerate(found)
    ]


def _source(
    field: str,
    net: NetParameter,
    default: NetState,
    solver_state: NetState | None,
    file: str | None,
) -> NetSource:
    """Merge the states: the solver's overrides the net's, which overrides the phase's default."""
    merged = schema.NetState()
    merged.CopyFrom(schema.current(default))
    merged.MergeFrom(schema.current(net.state))
    if solver_state is not None:
        merged.MergeFrom(schema.current(solver_state))
    param = schema.NetParameter()
    param.CopyFrom(schema.current(net))
    param.state.CopyFrom(merged)
    return NetSource(field, param, file)


class NetFiles:
    """Reads the net files that a solver names, each once; `solver` is the solver's file."""

    def __init__(self, solver: str | None, unknown: Unknown = "error") -> None:
        self.solver = solver
        self._unknown = unknown
        self._loaded: dict[str, tuple[NetParameter, str]] = {}

    def read(self, name: str) -> tuple[NetParameter, str]:
        """The net in the file `name`, in the working folder or else the solver's, and its path."""
        if name not in self._loaded:
            file = _found(name, self.solver)
            self._loaded[name] = load.load_net(file, self._unknown), file
        return self._loaded[name]


def _found(name: str, other: str | None) -> str:
    """As `beside`; logs when the file was found somewhere else."""
    file = beside(name, other)
    if file != name:
        log.info("%s: not found, using %s instead", name, file)
    return file


def beside(name: str, other: str | None) -> str:
    """`name`, or if there is no such file, that path relative to the folder of `other`.

    If that does not exist either, the file of the same base name in that folder: solvers often name
    their net by its path in a source tree that the user does not have.
    """
    if other is not None and not os.path.exists(name):
        for candidate in (Path(other).parent / name, Path(other).parent / Path(name).name):
            if candidate.is_file():
                return str(candidate)
    return name
