"""Which module of a checkpoint is which layer: by name if names agree, else by order and shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caffe_lite.importer.checkpoint import Checkpoint
from caffe_lite.importer.expressions import Expression, shown
from caffe_lite.importer.fit import Fitting, fit
from caffe_lite.importer.modules import Module, modules_of
from caffe_lite.importer.units import Unit, units_of
from caffe_lite.nets.net import Net

_SHOWN = 4  # candidates that an error names


@dataclass
class Guess:
    """`entries` by the names of blobs; `problems` are one-line sentences by blobs without one.

    `unused` are tensors that no entry takes.
    """

    entries: dict[str, Expression] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def guess(net: Net, checkpoint: Checkpoint) -> Guess:
    """The likely entry of every learned blob of `net`."""
    units, modules = units_of(net), modules_of(checkpoint.tensors)
    found = Guess()
    units = [unit for unit in units if not _as_exported(unit, checkpoint, found)]
    fits = {
        (u, m): fitting
        for u, unit in enumerate(units)
        for m, module in enumerate(modules)
        if (fitting := fit(unit, module)) is not None
    }
    pairs = _by_name(units, modules, fits)
    _by_order(units, modules, fits, pairs)
    for u, unit in enumerate(units):
        if u in pairs:
            found.entries.update(fits[u, pairs[u]])
        else:
            problem = _problem(unit, [modules[m] for v, m in fits if v == u])
            found.problems.update(dict.fromkeys(unit.shapes, problem))
    used = {name for entry in found.entries.values() for name in entry.tensors}
    found.unused = [
        name
        for name in checkpoint.tensors
        if name not in used and not name.endswith("num_batches_tracked")
    ]
    return found


def _as_exported(unit: Unit, checkpoint: Checkpoint, found: Guess) -> bool:
    """Take the blobs that the file itself names; whether it names all of the unit's."""
    entries: dict[str, Expression] = {}
    for blob, shape in unit.shapes.items():
        tensor = checkpoint.blobs.get(blob, "")
        if tensor not in checkpoint.tensors:
            return False
        given = checkpoint.tensors[tensor].shape
        turned = unit.transposed and blob == unit.blobs.get("weight")
        entry = Expression((tensor,), ("transpose",) if turned else ())
        if not entry.fits({tensor: given}, shape):
            return False
        entries[blob] = entry
    found.entries.update(entries)
    return True


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _by_name(
    units: Sequence[Unit], modules: Sequence[Module], fits: Mapping[tuple[int, int], Fitting]
) -> dict[int, int]:
    """Pairs of one name, where only one module that fits has it."""
    pairs: dict[int, int] = {}
    for u, unit in enumerate(units):
        name = _folded(unit.name)
        for matches in (
            [m for v, m in fits if v == u and _folded(modules[m].name) == name],
            [m for v, m in fits if v == u and _folded(modules[m].name).endswith(f"_{name}")],
        ):
            free = [m for m in matches if m not in pairs.values()]
            if len(matches) == 1 and free:
                pairs[u] = free[0]
                break
    return pairs


def _by_order(
    units: Sequence[Unit],
    modules: Sequence[Module],
    fits: Mapping[tuple[int, int], Fitting],
    pairs: dict[int, int],
) -> None:
    """Pair units with the modules that fit, in order, where they are equally many."""
    free = set(range(len(modules))) - set(pairs.values())
    groups: dict[tuple[int, ...], list[int]] = {}
    for u in range(len(units)):
        if u not in pairs:
            candidates = tuple(m for m in range(len(modules)) if m in free and (u, m) in fits)
            groups.setdefault(candidates, []).append(u)
    for candidates, members in groups.items():
        others = {m for other in groups if other != candidates for m in other}
        if len(candidates) == len(members) and others.isdisjoint(candidates):
            pairs.update(zip(members, candidates, strict=True))


def _problem(unit: Unit, candidates: Sequence[Module]) -> str:
    shapes = ", ".join(shown(shape) for shape in unit.shapes.values())
    layer = f'layer "{unit.name}" ({unit.layer.type}: {shapes})'
    if not candidates:
        return f"{layer}: nothing in the checkpoint fits"
    names = ", ".join(module.name or "(no name)" for module in candidates[:_SHOWN])
    more = f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else ""
    return f"{layer}: ambiguous, several layers or several modules fit: {names}{more}"
