"""What a translator is given: a layer at its place in the net, and the graph to add nodes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caffe_lite.errors import ModelError
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Shape

NEXT = "_next"  # behind the name of a state that the model takes, of the one that it gives


@dataclass
class CarriedState:
    """A state (1, N, H) that a recurrent layer keeps from one run to the next.

    `name` is the input that gives it, zeros by default; `output` is the value after the run, which
    the model's output `next_name` gives.
    """

    name: str
    units: int
    output: Tensor = ""

    @property
    def next_name(self) -> str:
        return f"{self.name}{NEXT}"


class Site:
    """A layer at its place: `x` are the values of its bottoms, `shapes` and `made` the shapes of
    bottoms and tops as given, `free` the axes of each bottom and `made_free` those of each top
    whose size may differ from run to run.

    A translator returns the values of the tops, in order, or raises `refuse(...)`.
    """

    def __init__(
        self,
        graph: Graph,
        layer: Layer,
        x: Sequence[Tensor],
        shapes: Sequence[Shape],
        made: Sequence[Shape],
        free: Sequence[set[int]],
        made_free: Sequence[set[int]],
        weights: Sequence[Tensor],
        blobs: tuple[Blobs, Blobs],
        one_sequence: bool,
    ) -> None:
        self.graph, self.layer = graph, layer
        self.x, self.shapes, self.free = list(x), list(shapes), list(free)
        self.made, self.made_free = list(made), list(made_free)
        self._weights = weights
        self.blobs, self.one_sequence = blobs, one_sequence
        self.carried: list[CarriedState] = []

    def refuse(self, why: str) -> ModelError:
        """The error that ends the export: `raise site.refuse("...")`."""
        layer = self.layer
        return ModelError(
            f'layer "{layer.name}" ({layer.type}): has no exact translation to ONNX: {why}'
        )

    def op(self, op: str, *inputs: Tensor, **attributes: Any) -> Tensor:
        """Add a node of one output."""
        return self.graph.add(op, *inputs, **attributes)

    def weight(self, i: int) -> Tensor:
        """Learned blob `i` as it is, under its name `<layer>.<i>`."""
        self.graph.constants.setdefault(self._weights[i], self.values(i))
        return self._weights[i]

    def values(self, i: int) -> Array:
        """The numbers of learned blob `i`."""
        blob = self.layer.blobs[i]
        return self.layer.ops.to_host(blob.data).copy()

    def weight_as(self, i: int, values: Array) -> Tensor:
        """Learned blob `i` in another form, such as another shape; an own constant."""
        return self.graph.constant(values, name=self.graph.fresh(f"{i}"))

    def folded(self) -> list[Array]:
        """The values of the tops, if they are constants: the layer is run on the net's blobs."""
        bottoms, tops = self.blobs
        self.layer.forward(bottoms, tops)
        return [self.layer.ops.to_host(top.data).copy() for top in tops]

    # Shapes

    def size(self, axis: int, bottom: int = 0) -> Size:
        """The size of an axis of a bottom."""
        axis %= len(self.shapes[bottom])
        if axis not in self.free[bottom]:
            return Size(self.graph, self.shapes[bottom][axis])
        shape = self.op("Shape", self.x[bottom], start=axis, end=axis + 1)
        return Size(self.graph, shape)

    def sizes(self, axes: Sequence[int], bottom: int = 0) -> list[int | Size]:
        return [self.size(axis, bottom) for axis in axes]

    def is_free(self, axes: Sequence[int], bottom: int = 0) -> bool:
        """Whether any of these axes of a bottom may have another size in another run."""
        return bool(self.free[bottom].intersection(axes))

    def require_fixed(self, axes: Sequence[int], why: str, bottom: int = 0) -> None:
        """Refuse a net in which one of these axes of a bottom is free."""
        if self.is_free(axes, bottom):
            raise self.refuse(why)

    def as_shape(self, x: Tensor, sizes: Sequence[int | Size]) -> Tensor:
        """x in a shape of these sizes. One free size is left for ONNX to find."""
        values = [size.value if isinstance(size, Size) else size for size in sizes]
        if sum(not isinstance(value, int) for value in values) == 1 and 0 not in values:
            return self.graph.reshape(x, [v if isinstance(v, int) else -1 for v in values])
        return self.graph.reshape(x, vector(self.graph, sizes))

    def per_channel(self, values: Array, axis: int = 1, bottom: int = 0) -> Tensor:
        """A constant that is repeated over all axes of a bottom but those from `axis` on."""
        after = len(self.shapes[bottom]) - axis - values.ndim
        return self.graph.floats(values.reshape(*values.shape, *(1,) * after))
