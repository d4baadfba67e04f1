"""Fewer steps with the same results: what a step's successor does moves into the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from caffe_lite.backend.operations import (
    Activation,
    Add,
    Affine,
    Convolve,
    Operation,
    Product,
    Step,
    Value,
    with_activation,
)
from caffe_lite.nets.inference.fold import affine_ahead, affine_behind


def fuse(steps: list[Step], values: list[Value], held: Collection[int]) -> list[Step]:
    """The steps with fewer passes over memory; values in `held` are still computed."""
    work = _Fusion(steps, values, held)
    work.into_predecessors()
    work.into_successors()
    return [step for step in work.steps if step is not None]


class _Fusion:
    def __init__(self, steps: list[Step], values: list[Value], held: Collection[int]) -> None:
        self.steps: list[Step | None] = list(steps)
        self.values, self.held = values, held
        self.uses = Counter(values[v].root for step in steps for v in step.inputs)

    def into_predecessors(self) -> None:
        """Affine maps, activations and sums become part of the step that makes their input."""
        maker: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            if step is None:
                continue
            place = i
            if isinstance(step.operation, Affine | Activation):
                place = self._behind(i, step, maker)
            elif isinstance(step.operation, Add):
                place = self._sum(i, step, maker)
            if place != i:
                self.steps[i] = None
            maker.update((self.values[v].root, place) for v in step.outputs)

    def _behind(self, i: int, step: Step, maker: dict[int, int]) -> int:
        place = self._passes_on(step.inputs[0], maker)
        before = None if place is None else self.steps[place]
        if place is None or before is None:
            return i
        joined = _followed(before, step.operation)
        if joined is None:
            return i
        self.steps[place] = replace(before, operation=joined, outputs=step.outputs)
        return place

    def _sum(self, i: int, step: Step, maker: dict[int, int]) -> int:
        """Two inputs, the later one made by a convolution: it adds the other as it writes."""
        operation = step.operation
        if not isinstance(operation, Add) or operation.coefficients != (1.0, 1.0):
            return i
        roots = [self.values[v].root for v in step.inputs]
        late = max((0, 1), key=lambda n: maker.get(roots[n], -1))
        place, other = self._passes_on(step.inputs[late], maker), step.inputs[1 - late]
        before = None if place is None else self.steps[place]
        if place is None or before is None or roots[0] == roots[1]:
            return i
        conv = before.operation
        if not isinstance(conv, Convolve) or conv.activation or len(before.inputs) > 1:
            return i
        if len(conv.y_shape) != 4 or self.values[other].shape != conv.y_shape:
            return i
        joined = replace(conv, activation=operation.activation)
        self.steps[place] = Step(joined, (*before.inputs, other), step.outputs)
        return place

    def _passes_on(self, value: int, maker: dict[int, int]) -> int | None:
        """The step that makes a value for one reader only, in the shape that it is read in."""
        root = self.values[value].root
        if self.uses[root] != 1 or root in self.held:
            return None
        if self.values[value].shape != self.values[root].shape:
            return None
        return maker.get(root)

    def into_successors(self) -> None:
        """An affine map ahead of a convolution becomes part of its weights, where that is exact."""
        reader = {self.values[v].root: i for i, s in enumerate(self.steps) if s for v in s.inputs}
        for i, step in enumerate(self.steps):
            if step is None or not isinstance(step.operation, Affine):
                continue
            root = self.values[step.outputs[0]].root
            if self.uses[root] != 1 or root in self.held or root not in reader:
                continue
            after = self.steps[reader[root]]
            if after is None or not isinstance(after.operation, Convolve):
                continue
            if self.values[after.inputs[0]].root != root:
                continue
            if self.values[after.inputs[0]].shape != self.values[root].shape:
                continue
            joined = affine_ahead(step.operation, after.operation)
            if joined is not None:
                inputs = (step.inputs[0], *after.inputs[1:])
                self.steps[reader[root]] = replace(after, operation=joined, inputs=inputs)
                self.steps[i] = None


def _followed(step: Step, operation: object) -> Operation | None:
    """The step's operation with an affine map or an activation behind it, if that is possible."""
    first = step.operation
    if isinstance(operation, Activation) and isinstance(first, Affine | Convolve | Product | Add):
        return with_activation(first, operation)
    if isinstance(operation, Affine) and isinstance(first, Affine | Convolve | Product):
        return affine_behind(first, operation) if len(step.inputs) == 1 else None
    return None
