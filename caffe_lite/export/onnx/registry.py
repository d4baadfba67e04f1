"""Which function translates which layer class."""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple, TypeVar

from caffe_lite.errors import ModelError
from caffe_lite.export.onnx import forks, layers
from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.site import Site
from caffe_lite.layers.base import Layer

F = TypeVar("F", bound=Callable[[Site], list[Tensor]])
Fixed = Callable[[Layer], Iterable[tuple[int, Sequence[int]]]]


class Translator(NamedTuple):
    """A function from a site to the values of its tops.

    `fixed` says of a layer which axes of which bottoms cannot be free: (bottom, axes).
    """

    function: Callable[[Site], list[Tensor]]
    fixed: Fixed


_translators: dict[type[Layer], Translator] = {}


def translates(*classes: type[Layer], fixed: Fixed | None = None) -> Callable[[F], F]:
    """Decorator of a function that translates layers of these classes, not of derived ones.

    The file keeps the sizes of axes that are `fixed` as they are at the export. A package that
    registers layers of its own can register their translators, too.
    """

    def register(function: F) -> F:
        for cls in classes:
            _translators[cls] = Translator(function, fixed or _nothing)
        return function

    return register


def _nothing(layer: Layer) -> Iterable[tuple[int, Sequence[int]]]:
    return ()


def translator(layer: Layer) -> Translator:
    """What translates a layer; ModelError if there is nothing."""
    cls = type(layer)
    if not has_translator(cls):
        raise ModelError(
            f'layer "{layer.name}" ({layer.type}): has no exact translation to ONNX{_reason(layer)}'
        )
    return _translators[cls]


def has_translator(cls: type[Layer]) -> bool:
    """Whether layers of this class can be translated, at least with some options."""
    if cls not in _translators:
        _load(cls)
    return cls in _translators


def _load(cls: type[Layer]) -> None:
    """Import the translators of the class's set: Caffe's own, or the family of forks'."""
    parts = cls.__module__.split(".")
    if parts[:2] == ["caffe_lite", "layers"]:
        for module in iter_modules(layers.__path__):
            import_module(f"{layers.__name__}.{module.name}")
    elif parts[:2] == ["caffe_lite", "forks"]:
        if any(module.name == parts[2] for module in iter_modules(forks.__path__)):
            import_module(f"{forks.__name__}.{parts[2]}")


def _reason(layer: Layer) -> str:
    if layer.is_loss or layer.is_metric:
        return ": it compares predictions with labels"
    if layer.is_data:
        return ": it reads data"
    return ""
