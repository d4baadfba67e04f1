"""Arithmetic with sizes: numbers where an axis is fixed, values in the graph where it is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from caffe_lite.export.onnx.builder import Graph, Tensor


@dataclass(frozen=True)
class Size:
    """A size of an axis, or what is computed from sizes: an int, or a tensor (1,) of int64.

    `+ - * // maximum minimum` give numbers of numbers, and add nodes for others.
    """

    graph: Graph
    value: int | Tensor

    @property
    def fixed(self) -> bool:
        return isinstance(self.value, int)

    @property
    def number(self) -> int:
        """The number of a fixed size."""
        if not isinstance(self.value, int):
            raise TypeError("the size is not fixed")
        return self.value

    def tensor(self) -> Tensor:
        """The size as a tensor (1,) of int64."""
        return self.graph.ints([self.value]) if isinstance(self.value, int) else self.value

    def scalar(self) -> Tensor:
        """The size as a tensor () of int64."""
        if isinstance(self.value, int):
            return self.graph.ints(self.value)
        return self.graph.squeeze(self.value, [0])

    def _with(self, other: int | Size, op: str, function: Callable[[int, int], int]) -> Size:
        second = other if isinstance(other, Size) else Size(self.graph, other)
        if isinstance(self.value, int) and isinstance(second.value, int):
            return Size(self.graph, function(self.value, second.value))
        return Size(self.graph, self.graph.add(op, self.tensor(), second.tensor()))

    def __add__(self, other: int | Size) -> Size:
        return self if other == 0 else self._with(other, "Add", lambda a, b: a + b)

    def __sub__(self, other: int | Size) -> Size:
        return self if other == 0 else self._with(other, "Sub", lambda a, b: a - b)

    def __mul__(self, other: int | Size) -> Size:
        return self if other == 1 else self._with(other, "Mul", lambda a, b: a * b)

    def __floordiv__(self, other: int | Size) -> Size:
        """The quotient of sizes that are not negative: ONNX rounds towards zero."""
        return self if other == 1 else self._with(other, "Div", lambda a, b: a // b)

    def maximum(self, other: int | Size) -> Size:
        return self._with(other, "Max", max)

    def minimum(self, other: int | Size) -> Size:
        return self._with(other, "Min", min)


def vector(graph: Graph, sizes: Sequence[int | Size]) -> Tensor:
    """Sizes as one tensor of int64."""
    values = [size.value if isinstance(size, Size) else size for size in sizes]
    if all(isinstance(value, int) for value in values):
        return graph.ints(values)
    parts = [graph.ints([v]) if isinstance(v, int) else v for v in values]
    return graph.concat(parts, 0)
