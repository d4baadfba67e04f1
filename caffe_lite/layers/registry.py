"""The layer types a prototxt can name: built-in ones, those of plugins, those a user registers."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeVar

from caffe_lite.errors import LayerError, did_you_mean
from caffe_lite.layers.base import Layer
from caffe_lite.layers.builtin import BUILTIN

ENTRY_POINT_GROUP = "caffe_lite.layers"

L = TypeVar("L", bound=type[Layer])

_registered: dict[str, type[Layer]] = {}


def register(type_name: str) -> Callable[[L], L]:
    """Class decorator: make `type: "<type_name>"` in a prototxt build the decorated Layer.

    Raises LayerError when another class already has the name. A package can register without being
    imported by the user through an entry point in the group `caffe_lite.layers`:
    `MyType = "my_package.layers:MyType"`.
    """

    def decorate(cls: L) -> L:
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            raise LayerError(
                f'layer type "{type_name}": {cls!r} must be a class that derives from '
                "caffe_lite.Layer"
            )
        mine, owner = f"{cls.__module__}.{cls.__qualname__}", _owner(type_name)
        if owner not in (None, mine):
            raise LayerError(
                f'layer type "{type_name}" is already registered by {owner}; choose '
                f"another name for {mine}"
            )
        cls.type = type_name
        _registered[type_name] = cls
        return cls

    return decorate


def _owner(type_name: str) -> str | None:
    """The class that has the name, its module imported or not."""
    if type_name in _registered:
        cls = _registered[type_name]
        return f"{cls.__module__}.{cls.__qualname__}"
    if type_name in BUILTIN:
        return f"caffe_lite.layers.{BUILTIN[type_name]}.{type_name}"
    return None


def layer_types() -> list[str]:
    """All known type names, sorted: built-in, registered and those of installed plugins."""
    plugins = (point.name for point in entry_points(group=ENTRY_POINT_GROUP))
    return sorted({*BUILTIN, *_registered, *plugins})


def layer_class(type_name: str) -> type[Layer]:
    """The class behind a type name; its module is imported on first use.

    Raises LayerError with the nearest names for an unknown type, or naming the plugin that failed.
    """
    if type_name in _registered:
        return _registered[type_name]
    if type_name in BUILTIN:
        import_module(f"caffe_lite.layers.{BUILTIN[type_name]}")
        return _registered[type_name]
    for point in entry_points(group=ENTRY_POINT_GROUP, name=type_name):
        try:
            loaded = point.load()
        except Exception as error:
            raise LayerError(
                f'layer type "{type_name}": its plugin {point.value} could not be '
                f"loaded: {type(error).__name__}: {error}"
            ) from error
        return register(type_name)(loaded)
    raise LayerError(
        f'unknown layer type "{type_name}"{did_you_mean(type_name, layer_types())} '
        "(`caffe_lite layers` lists the known ones)"
    )
