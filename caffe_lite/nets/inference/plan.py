"""The plan of a net's forward pass: which steps, over which values, and which blobs they fill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from caffe_lite.backend.operations import Operation, Same, Step, Value
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.nets.inference.fuse import fuse
from caffe_lite.nets.wiring import Node
from caffe_lite.proto import schema

# A class that overrides one of these computes something else than its base class describes.
_ARITHMETIC = ("forward", "function", "convolve")


@dataclass
class Plan:
    """Steps in order of execution.

    `held` maps values to the blobs, by position, whose memory they use; other values are internal.
    A value in `held` is its own root. `own` has the positions of layers that run themselves,
    `left_out` those of layers with a top whose last value the steps do not put into its blob.
    """

    values: list[Value]
    steps: list[Step]
    held: dict[int, int]
    own: set[int]
    left_out: list[int]


def make_plan(
    nodes: Sequence[Node],
    layers: Sequence[Layer],
    blobs: Sequence[Blob],
    wanted: Collection[int],
    run_layer: Callable[[int], None],
) -> Plan:
    """Plan a net, or its first layers, whose blobs have their shapes.

    After a run the blobs at the positions `wanted`, and those around layers that run themselves
    (through `run_layer`), hold what they hold after a plain forward pass.
    """
    trace = _Trace(nodes, blobs)
    operations = [
        _operation(layer, [blobs[b] for b in node.bottom], [blobs[t] for t in node.top])
        for layer, node in zip(layers, nodes, strict=True)
    ]
    held = trace.hold(operations, wanted)
    trace.find_roots(operations)
    steps = [
        Step(operation or _Runner(run_layer, i), trace.inputs[i], trace.outputs[i])
        for i, operation in enumerate(operations)
        if not isinstance(operation, Same)
    ]
    values = [Value(blobs[b].shape, trace.root[v]) for v, b in enumerate(trace.blob)]
    kept = {trace.root[v] for v in held}
    own = {i for i, operation in enumerate(operations) if operation is None}
    # All layers that write a blob, or none: a layer in place stands for those before it.
    left_out = [
        i for i, node in enumerate(nodes) if any(trace.last[b] not in held for b in node.top)
    ]
    places = {v: trace.blob[v] for v in kept}
    return Plan(values, fuse(steps, values, kept), places, own, left_out)


@dataclass(frozen=True)
class _Runner:
    """A step that runs one layer."""

    run: Callable[[int], None]
    position: int

    def __call__(self) -> None:
        self.run(self.position)


def _operation(layer: Layer, bottom: list[Blob], top: list[Blob]) -> Operation | None:
    """What the layer computes, if it says so and is not a class that changed it since."""
    if layer.phase != schema.TEST or any(layer.loss_weight):
        return None
    order = type(layer).__mro__

    def owner(name: str) -> int:
        return next((i for i, cls in enumerate(order) if name in vars(cls)), len(order))

    if any(owner(n) < owner("operation") or n in vars(layer) for n in _ARITHMETIC):
        return None
    return layer.operation(bottom, top)


class _Trace:
    """The values of a net: a layer in place makes a new value in the blob of the old one."""

    def __init__(self, nodes: Sequence[Node], blobs: Sequence[Blob]) -> None:
        self.blobs = blobs
        self.blob: list[int] = []  # by value, the position of its blob
        self.inputs: list[tuple[int, ...]] = []
        self.outputs: list[tuple[int, ...]] = []
        self.last: dict[int, int] = {}  # by blob, its last value
        for node in nodes:
            self.inputs.append(tuple(self.last[b] for b in node.bottom))
            made = []
            for blob in node.top:
                self.last[blob] = len(self.blob)
                made.append(len(self.blob))
                self.blob.append(blob)
            self.outputs.append(tuple(made))
        self.root = list(range(len(self.blob)))

    def hold(self, operations: list[Operation | None], wanted: Collection[int]) -> set[int]:
        """The values that must be in their blobs.

        A `Same` whose output must be in a blob of its own memory becomes None: the layer copies.
        """
        held = {self.last[b] for b in wanted if b in self.last}
        for i in reversed(range(len(operations))):
            inputs, outputs = self.inputs[i], self.outputs[i]
            if isinstance(operations[i], Same):
                asked = [v for v in outputs if v in held]
                if all(self._shared(v, inputs[0]) for v in asked):
                    held.update(inputs if asked else ())
                else:
                    operations[i] = None
            if operations[i] is None:
                held.update(inputs, outputs)
        # Values of one memory are held together.
        for i, operation in enumerate(operations):
            if isinstance(operation, Same) and self.inputs[i][0] in held:
                held.update(v for v in self.outputs[i] if self._shared(v, self.inputs[i][0]))
        return held

    def find_roots(self, operations: list[Operation | None]) -> None:
        """Set `root`: the value in whose memory each one is."""
        for operation, inputs, outputs in zip(operations, self.inputs, self.outputs, strict=True):
            if isinstance(operation, Same):
                for v in outputs:
                    self.root[v] = self.root[inputs[0]]

    def _shared(self, v: int, other: int) -> bool:
        a, b = self.blobs[self.blob[v]], self.blobs[self.blob[other]]
        return a.buffer_ids[0] == b.buffer_ids[0]
