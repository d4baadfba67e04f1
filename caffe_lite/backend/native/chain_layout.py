"""What all steps together say about each image: its halo, and the image that it is a part of."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.backend.operations import Convolve, Cut, Join, Step, Value
from caffe_lite.types import Pair

Parents = dict[int, tuple[int, int]]


def find_halos(values: Sequence[Value], steps: Sequence[Step]) -> dict[int, Pair]:
    """By root, the padding of the convolutions that read it, or parts of it."""
    halos: dict[int, Pair] = {}
    for step in reversed(steps):
        if isinstance(step.operation, Cut):
            of_parts = [halos.get(values[v].root, (0, 0)) for v in step.outputs]
            root = values[step.inputs[0]].root
            of_parts.append(halos.get(root, (0, 0)))
            halos[root] = max(h for h, _ in of_parts), max(w for _, w in of_parts)
        if isinstance(step.operation, Convolve) and len(step.operation.geometry.pad) == 2:
            root = values[step.inputs[0]].root
            pad = step.operation.geometry.pad
            old = halos.get(root, (0, 0))
            halos[root] = max(old[0], pad[0]), max(old[1], pad[1])
    return halos


def find_parents(
    values: Sequence[Value], steps: Sequence[Step], lanes: int, halos: dict[int, Pair]
) -> Parents:
    """By root, the value that it is a part of, and its first channel there.

    Whoever makes it writes there. A part that does not begin with a block is copied instead. Halos
    of parts become halos of the whole.
    """
    parents: Parents = {}
    for step in steps:
        if not isinstance(step.operation, Join) or step.operation.axis != 1:
            continue
        if len(values[step.outputs[0]].shape) != 4:
            continue
        first = 0
        for v in step.inputs:
            root = values[v].root
            whole = values[v].shape == values[root].shape
            if first % lanes == 0 and root not in parents and whole:
                parents[root] = values[step.outputs[0]].root, first
            first += values[v].shape[1]
    # A halo around a part is one around the whole.
    for root in reversed(list(parents)):
        _widen(halos, parents, root)
    return parents


def _widen(halos: dict[int, Pair], parents: Parents, root: int) -> None:
    halo = halos.get(root, (0, 0))
    while root in parents:
        root = parents[root][0]
        old = halos.get(root, (0, 0))
        halo = max(old[0], halo[0]), max(old[1], halo[1])
        halos[root] = halo
