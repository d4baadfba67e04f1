"""The nodes and constants of an ONNX graph while it is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.types import Array

INT_MAX = 2**63 - 1  # "to the end" for Slice

Tensor = str  # the name of a value in the graph


class Graph:
    """Nodes in order, constants by name. Names of values are given by the caller or made up.

    `prefix` begins every name that is made up: the layer that is being translated.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.prefix = ""
        self.nodes: list[Any] = []
        self.constants: dict[Tensor, Array] = {}
        self._names: set[str] = set()
        self._small: dict[tuple[str, tuple[int, ...], bytes], Tensor] = {}

    def inner(self, what: str) -> Graph:
        """A graph for the body of a node of this one; its names differ from all of this one."""
        body = Graph(self.opset)
        body.prefix = self.fresh(what)
        return body

    def initializers(self) -> list[Any]:
        """The constants as messages."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(values, name) for name, values in self.constants.items()]

    def fresh(self, what: str) -> str:
        """A name that no value or node has yet."""
        name = f"{self.prefix}/{what}" if self.prefix else what
        number, found = 1, name
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found

    def reserve(self, name: str) -> str:
        """Take a name that the caller chose; made-up names will differ."""
        self._names.add(name)
        return name

    def constant(self, values: Any, dtype: Any = None, name: str = "") -> Tensor:
        """A constant; small ones of equal values are one."""
        array = np.ascontiguousarray(np.asarray(values, dtype)).reshape(np.shape(values))
        if name:
            self.constants[self.reserve(name)] = array
            return name
        key = (array.dtype.str, array.shape, array.tobytes() if array.size <= 64 else b"")
        if array.size <= 64 and key in self._small:
            return self._small[key]
        made = self.fresh("constant")
        self.constants[made] = array
        if array.size <= 64:
            self._small[key] = made
        return made

    def floats(self, values: Any) -> Tensor:
        """A constant of float32."""
        return self.constant(values, np.float32)

    def ints(self, values: Any) -> Tensor:
        """A constant of int64."""
        return self.constant(values, np.int64)

    def add(self, op: str, *inputs: Tensor, **attributes: Any) -> Tensor:
        """Add a node of one output and return that; "" is an input that is left out."""
        return self.add_many(op, inputs, 1, **attributes)[0]

    def add_many(
        self, op: str, inputs: Sequence[Tensor], outputs: int, **attributes: Any
    ) -> list[Tensor]:
        """Add a node of several outputs. Attributes that are None are left out."""
        from onnx import helper

        names = [self.fresh(op) for _ in range(outputs)]
        kept = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **kept))
        return names

    # Operators whose form depends on the operator set, or that appear often

    def reduce(self, op: str, x: Tensor, axes: Sequence[int], keep: bool = True) -> Tensor:
        """ReduceSum, ReduceMean, ...: the axes are an input from operator set 18 on (Sum: 13)."""
        if self.opset >= 18 or op == "ReduceSum":
            return self.add(op, x, self.ints(list(axes)), keepdims=int(keep))
        return self.add(op, x, axes=list(axes), keepdims=int(keep))

    def reshape(self, x: Tensor, shape: Tensor | Sequence[int]) -> Tensor:
        """`shape` as ONNX reads it: 0 copies the input's size, -1 takes what is left."""
        return self.add("Reshape", x, shape if isinstance(shape, str) else self.ints(list(shape)))

    def transpose(self, x: Tensor, order: Sequence[int]) -> Tensor:
        return self.add("Transpose", x, perm=list(order))

    def unsqueeze(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return self.add("Unsqueeze", x, self.ints(list(axes)))

    def squeeze(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return self.add("Squeeze", x, self.ints(list(axes)))

    def slice(
        self,
        x: Tensor,
        starts: Tensor | Sequence[int],
        ends: Tensor | Sequence[int],
        axes: Sequence[int],
        steps: Sequence[int] | None = None,
    ) -> Tensor:
        """x[..., start:end:step, ...] along `axes`; starts and ends are numbers or tensors."""
        begin = starts if isinstance(starts, str) else self.ints(list(starts))
        end = ends if isinstance(ends, str) else self.ints(list(ends))
        given = [x, begin, end, self.ints(list(axes))]
        return self.add("Slice", *given, *([self.ints(list(steps))] if steps else []))

    def split(self, x: Tensor, sizes: Sequence[int], axis: int) -> list[Tensor]:
        """Parts of these sizes along `axis`."""
        return self.add_many("Split", [x, self.ints(list(sizes))], len(sizes), axis=axis)

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        return self.add("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]

    def to_ints(self, x: Tensor) -> Tensor:
        """x as int64, cut towards zero."""
        return self.add("Cast", x, to=7)

    def to_floats(self, x: Tensor) -> Tensor:
        """x as float32."""
        return self.add("Cast", x, to=1)

    def to_bools(self, x: Tensor) -> Tensor:
        """x != 0."""
        return self.add("Cast", x, to=9)
