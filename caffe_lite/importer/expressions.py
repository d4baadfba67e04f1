"""What a learned blob is made of: tensors of a checkpoint, added up and rearranged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.types import Array, Shape

CAFFE_GATES = "ifog"


class StepError(ValueError):
    """A step that is unknown, or does not fit its array."""


@dataclass(frozen=True)
class Expression:
    """`constant`, or the sum of `tensors`, rearranged by `steps` one after the other.

    The result takes the blob's shape if that differs only by axes of size 1.
    """

    tensors: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    constant: float = 0.0

    def __str__(self) -> str:
        if not self.tensors:
            return f"{self.constant:g}"
        steps = f" : {', '.join(self.steps)}" if self.steps else ""
        return " + ".join(self.tensors) + steps

    def evaluate(self, tensors: Mapping[str, Array], shape: Shape) -> Array:
        """The values for a blob of this shape; StepError if they do not fit it."""
        if not self.tensors:
            return np.full(shape, self.constant, np.float32)
        found = [tensors[name] for name in self.tensors]
        if len({each.shape for each in found}) > 1:
            raise StepError(f"cannot add {' and '.join(shown(each.shape) for each in found)}")
        value = found[0] if len(found) == 1 else np.sum(found, axis=0)
        for step in self.steps:
            value = apply_step(step, value, shape)
        if squeezed(value.shape) != squeezed(shape):
            raise StepError(f"is {shown(value.shape)}, the blob {shown(shape)}")
        return value.reshape(shape)

    def fits(self, shapes: Mapping[str, Shape], shape: Shape) -> bool:
        """Whether tensors of these shapes give the shape; no values are looked at."""
        zero = np.zeros((), np.float32)
        try:
            self.evaluate(
                {name: np.broadcast_to(zero, shapes[name]) for name in self.tensors}, shape
            )
        except StepError:
            return False
        return True


def shown(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def squeezed(shape: Shape) -> Shape:
    """Without axes of size 1."""
    return tuple(size for size in shape if size != 1)


def _transpose(value: Array, _: str, shape: Shape) -> Array:
    if value.ndim != 2:
        raise StepError(f"transpose needs 2 axes, not {shown(value.shape)}")
    return value.T


def _hwio(value: Array, _: str, shape: Shape) -> Array:
    """Keras's kernels (..., in, out) as Caffe's (out, in, ...)."""
    if value.ndim < 3:
        raise StepError(f"hwio needs 3 axes or more, not {shown(value.shape)}")
    return np.moveaxis(value, (-1, -2), (0, 1))


def _depthwise(value: Array, _: str, shape: Shape) -> Array:
    """Keras's depthwise kernels (H, W, C, M) as (C * M, 1, H, W)."""
    if value.ndim != 4:
        raise StepError(f"depthwise needs 4 axes, not {shown(value.shape)}")
    height, width, channels, times = value.shape
    return value.transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)


def _hwc(value: Array, sizes: str, shape: Shape) -> Array:
    """Columns of a flattened image, channels last, in Caffe's order; `sizes` are C,H,W."""
    try:
        channels, height, width = map(int, sizes.split(","))
        images = value.reshape(len(value), height, width, channels)
    except (TypeError, ValueError):
        raise StepError(f"hwc {sizes} does not fit {shown(value.shape)}") from None
    return images.transpose(0, 3, 1, 2).reshape(value.shape)


def _gates(value: Array, order: str, shape: Shape) -> Array:
    """Rows of four gates, in Caffe's order i, f, o, g; g is also called c."""
    order = order.replace("c", "g")
    if sorted(order) != sorted(CAFFE_GATES) or len(value) % 4:
        raise StepError(f"gates {order} does not fit {shown(value.shape)}")
    parts = np.split(value, 4)
    return np.concatenate([parts[order.index(gate)] for gate in CAFFE_GATES])


def _reshape(value: Array, _: str, shape: Shape) -> Array:
    if value.size != np.prod(shape):
        raise StepError(f"is {shown(value.shape)}, the blob {shown(shape)}")
    return value.reshape(shape)


STEPS: dict[str, Callable[[Array, str, Shape], Array]] = {
    "transpose": _transpose,
    "hwio": _hwio,
    "depthwise": _depthwise,
    "hwc": _hwc,
    "gates": _gates,
    "reshape": _reshape,
}


def apply_step(step: str, value: Array, shape: Shape) -> Array:
    """One step, "name" or "name argument"; StepError if it is unknown or does not fit."""
    name, _, argument = step.partition(" ")
    if name not in STEPS:
        raise StepError(f'unknown step "{step}"; known are {", ".join(STEPS)}')
    return STEPS[name](value, argument.strip(), shape)
