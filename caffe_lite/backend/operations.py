"""What one step of an inference plan computes, as layers describe it and backends run it.

A step reads and writes whole arrays in which axis 1 holds the channels; "per channel" means along
that axis. Weights are host or device arrays of the backend's element type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.types import Array, Pair, Shape


@dataclass(frozen=True, eq=False)
class Activation:
    """An elementwise function that the step before can apply while it writes.

    kind "leaky": y = max(x, 0) + slope * min(x, 0); "prelu": the same with `slopes` per channel, or
    one for all; "clip": y = max(low, min(x, high)); "elu": y = x where x > 0, else
    slope * (exp(x) - 1).
    """

    kind: str
    slope: float = 0.0
    slopes: Array | None = None
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, eq=False)
class Affine:
    """y = scale * x + shift per channel; None is 1 or 0. `activation` follows."""

    scale: Array | None
    shift: Array | None
    activation: Activation | None = None


@dataclass(frozen=True, eq=False)
class Convolve:
    """A convolution, plus the second input if the step has one, then `activation`.

    x and y are seen in the shapes `x_shape` and `y_shape`, (N, C, *spatial); weight is (O, C /
    group, *kernel).
    """

    weight: Array
    bias: Array | None
    geometry: ConvGeometry
    x_shape: Shape
    y_shape: Shape
    activation: Activation | None = None


@dataclass(frozen=True, eq=False)
class Product:
    """y (M, N) = x (M, K) weight^T + bias, then `activation`; `transposed` weights are (K, N)."""

    weight: Array
    bias: Array | None
    rows: int
    transposed: bool = False
    activation: Activation | None = None


@dataclass(frozen=True)
class Pool:
    """The maximum ("max") or average ("average") of each window; see `Ops.max_pool`, `ave_pool`."""

    kind: str
    kernel: Pair
    step: Pair
    pad: Pair


@dataclass(frozen=True)
class Normalize:
    """Local response normalization across channels; see `Ops.lrn_across`."""

    size: int
    alpha: float
    beta: float
    k: float


@dataclass(frozen=True, eq=False)
class Add:
    """The sum of coefficient times input over all inputs, then `activation`."""

    coefficients: tuple[float, ...]
    activation: Activation | None = None


@dataclass(frozen=True)
class Join:
    """The inputs side by side along `axis`."""

    axis: int


@dataclass(frozen=True)
class Cut:
    """The reverse of `Join`: output i is the part of the input from cuts[i] to cuts[i + 1]."""

    axis: int
    cuts: tuple[int, ...]


@dataclass(frozen=True)
class Same:
    """Every output is the input, perhaps in another shape."""


Operation = Affine | Convolve | Product | Pool | Normalize | Add | Join | Cut | Same | Activation


def with_activation(
    operation: Affine | Convolve | Product | Add, activation: Activation
) -> Operation | None:
    """`operation` with `activation` behind it; None if it has one already."""
    return None if operation.activation else replace(operation, activation=activation)


@dataclass(frozen=True, eq=False)
class Step:
    """An operation, or a function that does the work of one, with values by position.

    A function reads and writes the arrays of `Holder`s, which its inputs and outputs must have.
    """

    operation: Operation | Callable[[], None]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def with_own_weights(step: Step) -> Step:
    """The step with copies of its weights; a `Product` keeps its arrays, which may be large."""
    operation = step.operation
    if callable(operation) or isinstance(operation, Product):
        return step
    copies = {
        field.name: _copied(getattr(operation, field.name))
        for field in fields(operation)
        if field.name in ("weight", "bias", "scale", "shift", "slopes", "activation")
    }
    return replace(step, operation=replace(operation, **copies))


def _copied(value: Any) -> Any:
    if isinstance(value, Activation):
        return replace(value, slopes=_copied(value.slopes))
    return None if value is None else value.copy()


@dataclass(frozen=True)
class Value:
    """An array between steps: its shape, and the value (by position) whose memory it is.

    `root` is its own position unless a `Same` made it.
    """

    shape: Shape
    root: int


class Holder(Protocol):
    """Memory from outside that a value lives in, such as a blob; `data` may change its place."""

    @property
    def data(self) -> Array: ...
