"""Nets and solvers as files give them, text or binary, upgraded to the current schema."""

import logging
import os
from pathlib import Path
from typing import Any

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema, text
from caffe_lite.proto.files import StrPath, read_bytes
from caffe_lite.proto.fork_numbers import in_own_numbers
from caffe_lite.proto.sniff import describe, is_binary
from caffe_lite.proto.upgrade import solver_needs_upgrade, upgrade_net_steps, upgrade_solver

log = logging.getLogger("caffe_lite.proto")


def load_net(path: StrPath, unknown: text.Unknown = "error") -> Any:
    """Read the NetParameter at `path`, text or binary, and upgrade it; `PrototxtError` if bad.

    `unknown="warn"` steps over fields of a text that the schema does not have.
    """
    name = os.fspath(path)
    net, steps = upgrade_net_steps(
        decode(read_bytes(path), schema.NetParameter, name, unknown), name
    )
    if steps:
        _warn_upgraded(name, ", ".join(steps), "net")
    return net


def load_solver(path: StrPath, unknown: text.Unknown = "error") -> Any:
    """Read the SolverParameter at `path`, text or binary, and upgrade it; `PrototxtError` if bad.

    Where it names no snapshot_prefix, that is `path` without its extension; where it names a
    folder, the solver's own name in that folder.
    """
    name = os.fspath(path)
    data = read_bytes(path)
    _refuse_weights(data, name)
    param = decode(data, schema.SolverParameter, name, unknown)
    if solver_needs_upgrade(param):
        param = upgrade_solver(param, name)
        _warn_upgraded(name, "solver_type", "solver")
    _upgrade_inline_nets(param, name)
    if not param.HasField("snapshot_prefix"):
        prefix = str(Path(name).with_suffix(""))
        try:
            param.snapshot_prefix = prefix
        except ValueError:  # a field holds UTF-8 text only
            raise PrototxtError(
                "has no snapshot_prefix, and its own path, which takes the place of one, is not "
                "UTF-8 text; give a snapshot_prefix, or rename the file",
                name,
            ) from None
    elif os.path.isdir(param.snapshot_prefix):  # False, too, for what can't be a path
        param.snapshot_prefix = str(Path(param.snapshot_prefix) / Path(name).stem)
    return param


def decode(data: bytes, message_class: Any, name: str, unknown: text.Unknown = "error") -> Any:
    """Parse `data`, text or binary, without upgrading it; errors name the file `name`."""
    if _is_message(data):
        if message_class.DESCRIPTOR.name == "NetParameter":
            data = in_own_numbers(data, name)
        return binary.decode(data, message_class, name)
    return text.decode(data, message_class, name, unknown)


def _is_message(data: bytes) -> bool:
    """Whether `data` is to be decoded as binary; a file of another known kind is not."""
    return is_binary(data) and not describe(data)


def _refuse_weights(data: bytes, name: str) -> None:
    """Fail for a binary net, whose name would read as the solver's `train_net`."""
    if not _is_message(data):
        return
    try:
        net = binary.decode(data, schema.NetParameter, name)
    except PrototxtError:
        return
    # What a solver has where the older nets have their layers are names, without weights.
    if net.layer or any(layer.blobs for layer in net.layers):
        raise PrototxtError(
            "this holds a net with its weights, not a solver; name the solver's prototxt, and "
            "these as --weights",
            name,
        )


def _upgrade_inline_nets(param: Any, name: str) -> None:
    for field in ("net_param", "train_net_param", "test_net_param"):
        value = getattr(param, field)
        for net in value if field == "test_net_param" else [value]:
            upgraded, steps = upgrade_net_steps(net, name)
            if steps:
                net.CopyFrom(upgraded)
                log.warning(
                    "%s: %s upgraded on the fly (%s); to keep the result, move that net to a"
                    " file of its own and use caffe_lite upgrade net",
                    name,
                    field,
                    ", ".join(steps),
                )


def _warn_upgraded(name: str, what: str, kind: str) -> None:
    log.warning(
        "%s: upgraded on the fly (%s); to keep the result: caffe_lite upgrade %s %s OUT",
        name,
        what,
        kind,
        name,
    )
