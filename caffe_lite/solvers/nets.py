"""The nets that a solver trains and tests: their definitions with their states, and the nets."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caffe_lite.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.solvers import events
from caffe_lite.weights import copy_weights, read_weights

log = logging.getLogger("caffe_lite.solver")

Emit = Callable[[events.Event], None]


@dataclass(frozen=True)
class NetSource:
    """A NetParameter whose `state` says how it is to be filtered, and which field it came from."""

    field: str
    param: Any


def build_nets(param: Any, ops: Any, seed: int, path: str | None, unknown: Any,
               emit: Emit) -> tuple[Net, list[Net]]:
    """The train net of a checked SolverParameter, and its test nets, which share its weights.

    Each net starts from the files in the field `weights`. `path` is the solver's file.
    """
    read = net_reader(path, unknown)
    nets: list[Net] = []
    try:
        for source in (train_source(param, read), *test_sources(param, read)):
            index = len(nets) - 1 if nets else None
            emit(events.NetCreating(source.field, index))
            net = Net(source.param, ops=ops, seed=seed + len(nets))
            nets.append(net)
            if index is not None:
                net.debug_info = param.debug_info
                net.share_trained_layers_with(nets[0])
            _copy_weights(param, net, nets[0], path, emit)
    except BaseException:
        for net in nets:
            net.close()
        raise
    return nets[0], nets[1:]


def _copy_weights(param: Any, net: Net, train_net: Net, path: str | None, emit: Emit) -> None:
    """Start `net` from the solver's weights; layers that it shares with the train net have them."""
    own = None
    if net is not train_net:
        shared = set(train_net.layer_names)
        own = {layer.name for layer in net.layers if layer.blobs and layer.name not in shared}
        if not own:
            return
    for names in param.weights:
        for name in names.split(","):
            file = beside(name.strip(), path)
            report = copy_weights(net, read_weights(file), own)
            if own is None:
                emit(events.WeightsCopied(file, report.text()))


def train_source(param: Any, read: Callable[[str], Any]) -> NetSource:
    """The train net of a checked SolverParameter; `read` loads the net file of a name."""
    state = schema.NetState(phase=schema.TRAIN)
    for field in ("train_net_param", "net_param"):
        if param.HasField(field):
            return _source(field, getattr(param, field), state, param.train_state)
    field = "train_net" if param.HasField("train_net") else "net"
    name = getattr(param, field)
    return _source(f"{field} file: {name}", read(name), state, param.train_state)


def test_sources(param: Any, read: Callable[[str], Any]) -> list[NetSource]:
    """The test nets in the order of test_iter: test_net_param, test_net, then the generic net."""
    found = [("test_net_param", net) for net in param.test_net_param]
    found += [(f"test_net file: {name}", read(name)) for name in param.test_net]
    rest = len(param.test_iter) - len(found)
    if rest and param.HasField("net_param"):
        found += [("net_param", param.net_param)] * rest
    elif rest:
        found += [(f"net file: {param.net}", read(param.net))] * rest
    state = schema.NetState(phase=schema.TEST)
    return [_source(field, net, state, param.test_state[i] if param.test_state else None)
            for i, (field, net) in enumerate(found)]


def _source(field: str, net: Any, default: Any, solver_state: Any) -> NetSource:
    """States by rising precedence: the phase's default, the net's own, the solver's for it."""
    merged = schema.NetState()
    merged.CopyFrom(default)
    merged.MergeFrom(net.state)
    if solver_state is not None:
        merged.MergeFrom(solver_state)
    param = schema.NetParameter()
    param.CopyFrom(net)
    param.state.CopyFrom(merged)
    return NetSource(field, param)


def net_reader(solver_path: str | None, unknown: Any = "error") -> Callable[[str], Any]:
    """A function that loads a net file, looked for here and then beside the solver's file.

    Each file is read once.
    """
    loaded: dict[str, Any] = {}

    def read(name: str) -> Any:
        if name not in loaded:
            loaded[name] = load.load_net(beside(name, solver_path), unknown)
        return loaded[name]

    return read


def beside(name: str, other: str | None) -> str:
    """`name`, or if there is no such file, the one so called from the folder of `other`.

    Failing that, a file in that folder whose own name is that of `name`: solvers often name their
    net by its path in a source tree that is not there.
    """
    if other is not None and not os.path.exists(name):
        for candidate in (Path(other).parent / name, Path(other).parent / Path(name).name):
            if candidate.is_file():
                log.info("%s: not found, %s is taken for it", name, candidate)
                return str(candidate)
    return name
