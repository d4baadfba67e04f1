"""Which function says what a layer becomes: emitters, by the layer's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.layers.base import Layer
from caffe_lite.types import LayerParameter, Shape


@dataclass(frozen=True)
class Slot:
    """Where the values of a parameter or buffer of the module come from: a learned blob.

    The blob has its axes in the order `axes`, if given, and then takes `shape`, if given.
    """

    index: int
    axes: tuple[int, ...] = ()
    shape: Shape | None = None
    buffer: bool = False  # not learned: it has no gradient


@dataclass(frozen=True)
class Code:
    """What a layer becomes.

    `call` is an expression that gives the top, or a tuple of tops. `init` is the expression for the
    attribute `self.<layer>` that `call` uses; "" for none. `weights` say by name below that
    attribute ("weight", "bias"; "" for the attribute itself) where the values come from. `reset`
    marks a module that keeps a state from one call to the next, and has a `reset`.
    """

    call: str
    init: str = ""
    weights: Mapping[str, Slot] = field(default_factory=dict)
    reset: bool = False


@dataclass(frozen=True)
class Site:
    """A layer's place: what emitters are given.

    `x` are the variables of the bottoms, `me` is the attribute, "self.conv1".
    """

    layer: Layer
    x: tuple[str, ...]
    me: str
    bottom_shapes: tuple[Shape, ...]
    top_shapes: tuple[Shape, ...]

    @property
    def param(self) -> LayerParameter:
        return self.layer.param

    @property
    def shape(self) -> Shape:
        """The shape of bottom[0]."""
        return self.bottom_shapes[0]

    def axis(self, axis: int) -> int:
        """An axis of bottom[0], counted from the front."""
        return axis % len(self.shape) if self.shape else 0

    def blob(self, index: int) -> Shape:
        """The shape of a learned blob."""
        return tuple(self.layer.blobs[index].shape)

    def refuse(self, why: str) -> ModelError:
        """The error that ends the export: `raise site.refuse("...")`."""
        return refusal(self.layer, why)


Emitter = Callable[[Site], Code]
_emitters: dict[type[Layer], Emitter] = {}


def emits(*classes: type[Layer]) -> Callable[[Emitter], Emitter]:
    """Decorator: the function says what layers of these classes, not of subclasses, become."""

    def add(emitter: Emitter) -> Emitter:
        for cls in classes:
            _emitters[cls] = emitter
        return emitter

    return add


@cache
def emitters() -> Mapping[type[Layer], Emitter]:
    """All emitters, by class."""
    for folder in ("layers", "forks"):
        package = import_module(f"caffe_lite.export.torch.{folder}")
        for module in iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    return _emitters


def emit(site: Site) -> Code:
    """What a layer becomes; ModelError, with the layer's name, if no translation is exact."""
    emitter = emitters().get(type(site.layer))
    if emitter is None:
        raise site.refuse("has no translation to PyTorch")
    return emitter(site)


def refusal(layer: Layer, why: str) -> ModelError:
    """The error that a layer cannot be exported."""
    return ModelError(f'layer "{layer.name}" ({layer.param.type or layer.type}): {why}')


def number(value: float) -> str:
    """A float32 as short as it can be written: 0.1, 1, 1e-05; infinity as float("inf")."""
    if not np.isfinite(value):
        return f'float("{value}")'
    text = str(np.float32(value))
    return text.removesuffix(".0")


def same(values: tuple[int, ...]) -> str:
    """One number for all axes if they are equal, else a tuple."""
    return str(values[0]) if len(set(values)) == 1 else str(values)


def arguments(*positional: str, **named: object) -> str:
    """Arguments as text; named ones are left out where they are None or ""."""
    given = [f"{name}={value}" for name, value in named.items() if value not in (None, "")]
    return ", ".join([*positional, *given])
