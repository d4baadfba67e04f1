"""Programs: lists of steps (`backend/operations.py`), run one operation after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from caffe_lite.backend.lifetimes import Need, place
from caffe_lite.backend.operations import (
    Activation,
    Add,
    Affine,
    Convolve,
    Cut,
    Holder,
    Join,
    Normalize,
    Pool,
    Product,
    Step,
    Value,
    with_own_weights,
)
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.backend.reference.ops import Ops

Work = Callable[[], None]


class Program:
    """Steps over values; `held` has the memory of those that live outside the program.

    `run` executes the steps. The other values share one block, in which memory is used again as
    soon as its value is dead; `memory` is the block's size in bytes.
    """

    def __init__(
        self, ops: Ops, values: Sequence[Value], steps: Sequence[Step], held: Mapping[int, Holder]
    ) -> None:
        self.ops, self.xp = ops, ops.xp
        self._values, self._held = values, held
        self._steps = [with_own_weights(step) for step in steps]
        self._bound: list[tuple[Holder, Array]] = []
        self._works: list[Work] = []
        self.memory = 0

    def run(self) -> None:
        """Execute the steps once."""
        if not self._works or any(holder.data is not array for holder, array in self._bound):
            self._bind()
        for work in self._works:
            work()

    def _bind(self) -> None:
        """Make the work of each step, on the arrays as they are now."""
        arrays = {v: holder.data for v, holder in self._held.items()}
        self._bound = [(self._held[v], array) for v, array in arrays.items()]
        arrays.update(self._internal_arrays())
        self._works = [self._work(step, arrays) for step in self._steps]

    def _internal_arrays(self) -> dict[int, Array]:
        spans = spans_of(self._values, self._steps, self._held)
        itemsize = self.ops.dtype.itemsize
        sizes = [prod(self._values[v].shape) for v in spans]
        needs = [
            Need(size * itemsize, *span) for size, span in zip(sizes, spans.values(), strict=True)
        ]
        offsets, self.memory = place(needs)
        block = self.ops.empty((self.memory // itemsize,))
        starts = [offset // itemsize for offset in offsets]
        return {
            v: block[start : start + size].reshape(self._values[v].shape)
            for v, start, size in zip(spans, starts, sizes, strict=True)
        }

    def _work(self, step: Step, arrays: Mapping[int, Array]) -> Work:
        operation = step.operation
        if callable(operation):
            return operation

        def array(v: int) -> Array:
            value = self._values[v]
            return arrays[value.root].reshape(value.shape)

        xs, ys = [array(v) for v in step.inputs], [array(v) for v in step.outputs]
        make = _WORKS[type(operation)]
        return make(self.ops, operation, xs, ys)


def spans_of(
    values: Sequence[Value], steps: Sequence[Step], held: Mapping[int, Any]
) -> dict[int, tuple[int, int]]:
    """By internal root, the steps that write it first and use it last."""
    spans: dict[int, tuple[int, int]] = {}
    for i, step in enumerate(steps):
        for v in (*step.inputs, *step.outputs):
            root = values[v].root
            if root not in held:
                spans[root] = (spans[root][0] if root in spans else i, i)
    return spans


def _activate(ops: Ops, activation: Activation | None, y: Array) -> Work | None:
    """Work that applies an activation to y in place; None if there is none."""
    if activation is None:
        return None
    xp, a = ops.xp, activation
    if a.kind == "leaky":
        return lambda: ops.relu(y, y, a.slope)
    if a.kind == "prelu" and a.slopes is not None:
        slopes = ops.asarray(a.slopes)
        view = y.reshape(y.shape[0], slopes.size, -1)
        return lambda: ops.prelu(view, slopes, view)

    def clip() -> None:
        xp.minimum(y, a.high, out=y)
        xp.maximum(y, a.low, out=y)

    def elu() -> None:
        negative = a.slope * xp.expm1(xp.minimum(y, 0))
        xp.maximum(y, 0, out=y)
        xp.add(y, negative, out=y)

    return clip if a.kind == "clip" else elu


def _then(first: Work, second: Work | None) -> Work:
    if second is None:
        return first

    def both() -> None:
        first()
        second()

    return both


def _convolve(ops: Ops, o: Convolve, xs: list[Array], ys: list[Array]) -> Work:
    x, y = xs[0].reshape(o.x_shape), ys[0].reshape(o.y_shape)
    weight, bias, a = o.weight, o.bias, o.activation
    if len(xs) == 1 and bias is not None and a is not None and a.kind == "leaky":
        return lambda: ops.convolution_relu(x, weight, bias, y, o.geometry, a.slope)

    def convolve() -> None:
        ops.convolution(x, weight, bias, y, o.geometry)
        if len(xs) > 1:
            ops.xp.add(ys[0], xs[1], out=ys[0])

    return _then(convolve, _activate(ops, a, ys[0]))


def _product(ops: Ops, o: Product, xs: list[Array], ys: list[Array]) -> Work:
    x, y = xs[0].reshape(o.rows, -1), ys[0].reshape(o.rows, -1)
    weight, bias, a = o.weight, o.bias, o.activation
    if bias is not None and a is not None and a.kind == "leaky":

        def rectified() -> None:
            ops.gemm(x, weight, y, trans_b=not o.transposed)
            ops.bias_relu(y, bias, a.slope)

        return rectified

    def multiply() -> None:
        ops.gemm(x, weight, y, trans_b=not o.transposed)
        if bias is not None:
            ops.add_bias(y, bias)

    return _then(multiply, _activate(ops, a, ys[0]))


def _affine(ops: Ops, o: Affine, xs: list[Array], ys: list[Array]) -> Work:
    x, y = xs[0], ys[0]
    scale = None if o.scale is None else per_channel(o.scale, x)
    shift = None if o.shift is None else per_channel(o.shift, x)

    def map_channels() -> None:
        if scale is None:
            ops.xp.add(x, 0 if shift is None else shift, out=y)
            return
        ops.xp.multiply(x, scale, out=y)
        if shift is not None:
            ops.xp.add(y, shift, out=y)

    return _then(map_channels, _activate(ops, o.activation, y))


def _activation(ops: Ops, o: Activation, xs: list[Array], ys: list[Array]) -> Work:
    x, y = xs[0], ys[0]
    if o.kind == "leaky":
        return lambda: ops.relu(x, y, o.slope)

    def copy() -> None:
        y[...] = x

    return _then(copy, _activate(ops, o, y))


def _pool(ops: Ops, o: Pool, xs: list[Array], ys: list[Array]) -> Work:
    x, y = xs[0], ys[0]
    if o.kind == "average":
        return lambda: ops.ave_pool(x, y, o.kernel, o.step, o.pad)
    mask = ops.empty(y.shape, "int32")
    return lambda: ops.max_pool(x, y, mask, o.kernel, o.step, o.pad)


def _normalize(ops: Ops, o: Normalize, xs: list[Array], ys: list[Array]) -> Work:
    x, y, scale = xs[0], ys[0], ops.empty(xs[0].shape)
    return lambda: ops.lrn_across(x, y, scale, o.size, o.alpha, o.beta, o.k)


def _add(ops: Ops, o: Add, xs: list[Array], ys: list[Array]) -> Work:
    y = ys[0]

    def add() -> None:
        ops.xp.multiply(xs[0], o.coefficients[0], out=y)
        for x, c in zip(xs[1:], o.coefficients[1:], strict=True):
            ops.xp.add(y, x if c == 1 else x * ops.dtype.type(c), out=y)

    return _then(add, _activate(ops, o.activation, y))


def _join(ops: Ops, o: Join, xs: list[Array], ys: list[Array]) -> Work:
    ends = [0]
    for x in xs:
        ends.append(ends[-1] + x.shape[o.axis])
    parts = _parts(ys[0], o.axis, ends)

    def copy() -> None:
        for part, x in zip(parts, xs, strict=True):
            part[...] = x

    return copy


def _cut(ops: Ops, o: Cut, xs: list[Array], ys: list[Array]) -> Work:
    parts = _parts(xs[0], o.axis, o.cuts)

    def copy() -> None:
        for y, part in zip(ys, parts, strict=True):
            y[...] = part

    return copy


def _parts(array: Array, axis: int, cuts: Sequence[int]) -> list[Array]:
    front = (slice(None),) * axis
    return [array[(*front, slice(a, b))] for a, b in zip(cuts, cuts[1:], strict=False)]


_WORKS: dict[type, Callable[[Ops, Any, list[Array], list[Array]], Work]] = {
    Convolve: _convolve,
    Product: _product,
    Affine: _affine,
    Activation: _activation,
    Pool: _pool,
    Normalize: _normalize,
    Add: _add,
    Join: _join,
    Cut: _cut,
}
