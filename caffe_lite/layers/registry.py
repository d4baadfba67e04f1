"""The layer types that a prototxt can name: Caffe's, the forks', those of plugins and of users.

One name can have several meanings, as forks of Caffe chose the same name for different layers or
gave one of Caffe's types more fields. `register(..., when=...)` states the fields by which a
definition says which one it means.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, TypeVar

from caffe_lite import plugins
from caffe_lite.errors import LayerError, did_you_mean
from caffe_lite.layers.base import Layer
from caffe_lite.layers.layer_set import LayerSet, snake_case
from caffe_lite.proto import schema
from caffe_lite.proto.additions import additions, has_field
from caffe_lite.proto.hints import type_of_fork
from caffe_lite.proto.proto_source import parse_fields, parse_proto
from caffe_lite.types import LayerParameter

CAFFE = LayerSet("Caffe 1.0", "caffe_lite.layers")

L = TypeVar("L", bound=type[Layer])


class Meaning(NamedTuple):
    """A class that a type's name means in definitions that set one of the fields `when`."""

    cls: type[Layer]
    when: tuple[str, ...]


_registered: dict[str, list[Meaning]] = {}


def register(
    type_name: str,
    *,
    aliases: Sequence[str] = (),
    when: Sequence[str] = (),
    fields: str = "",
    proto: str = "",
) -> Callable[[L], L]:
    """Class decorator: make `type: "<type_name>"` in a prototxt build the decorated Layer.

    A layer can define its own parameters. `fields` is the body of a message in the language of
    .proto files; a prototxt has it under the type's name in snake case with the suffix `_param`:

        @register("Permute", fields="repeated uint32 order = 1;")   # permute_param { order: 0 }

    Or `proto` names a .proto file in the folder of the class's module, with any number of messages
    and an `extend LayerParameter { optional PermuteParameter permute_param = 1; }`.

    `aliases` are further names of the same layer. `when` are fields of LayerParameter, such as
    "bn_param.slope_filler": with them the class is what the name means in definitions that set one
    of them, beside what it means in others.

    Raises LayerError when another class already has the name, PrototxtError for bad fields. A
    package registers without being imported by the user through an entry point in the group
    `caffe_lite.layers`: `MyType = "my_package.layers:MyType"`.
    """

    def decorate(cls: L) -> L:
        if not (isinstance(cls, type) and issubclass(cls, Layer)):
            raise LayerError(
                f'layer type "{type_name}": {cls!r} must be a class that derives from '
                "caffe_lite.Layer"
            )
        if fields or proto:
            _extend_schema(cls, type_name, fields, proto)
        if cls.reads is None and (_is_in(cls, CAFFE) or _is_of_fork(cls)):
            own = f"{cls.__module__.rpartition('.')[2]}_param"
            cls.reads = (own,) if own in schema.LayerParameter.DESCRIPTOR.fields_by_name else ()
        for name in (type_name, *aliases):
            _add(name, Meaning(cls, tuple(when)))
        if "type" not in vars(cls):
            cls.type = type_name
        return cls

    return decorate


def _extend_schema(cls: type[Layer], type_name: str, fields: str, proto: str) -> None:
    own = f"{snake_case(type_name)}_param"
    if proto:
        module = sys.modules[cls.__module__]
        path = Path(module.__file__ or "").with_name(proto)
        schema.extend(parse_proto(path.read_text(encoding="utf-8"), str(path)))
    else:
        message = f"{type_name}Parameter"
        source = f"{cls.__module__}.{cls.__qualname__}"
        file = parse_fields(fields, message, source)
        joined = parse_fields(f"optional {message} {own} = 1;", "LayerParameter", source)
        file.message_type.extend(joined.message_type)
        schema.extend(file)
    if cls.reads is None and own in schema.LayerParameter.DESCRIPTOR.fields_by_name:
        cls.reads = (own,)


def _add(name: str, meaning: Meaning) -> None:
    """Add a meaning to a name. A user's layer takes the place of a fork's of the same name."""
    mine = _title(meaning.cls)
    others = [other for other in _registered.get(name, []) if _title(other.cls) != mine]
    plain = next((other.cls for other in others if not other.when), None)
    if not meaning.when:
        owner = _title(plain) if plain else _unloaded_owner(name, meaning.cls)
        if plain and _is_of_fork(plain) and not _is_of_fork(meaning.cls):
            others = [other for other in others if other.cls is not plain]
        elif plain and _is_of_fork(meaning.cls) and not _is_of_fork(plain):
            return
        elif owner:
            raise LayerError(
                f'layer type "{name}" is already registered by {owner}; choose '
                f"another name for {mine}"
            )
    _registered[name] = [*others, meaning]


def _unloaded_owner(name: str, cls: type[Layer]) -> str | None:
    """Caffe's own class of that name, whose module need not be imported yet, if it is not `cls`."""
    module = CAFFE.module(name)
    if module is None or module == cls.__module__ or name not in CAFFE.types():
        return None
    return f"{module}.{name}"


def _is_in(cls: type[Layer], layers: LayerSet) -> bool:
    return cls.__module__.startswith(f"{layers.package}.")


def _is_of_fork(cls: type[Layer]) -> bool:
    return any(_is_in(cls, layers) for layers in layer_sets()[1:])


def _title(cls: type[Layer]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def layer_sets() -> list[LayerSet]:
    """The sets that ship: Caffe's own types, then those of the forks, by family."""
    return [CAFFE, *plugins.call("fork_sets")]


def layer_types() -> list[str]:
    """All known type names, sorted: those of the sets, registered ones, installed plugins'."""
    shipped = {name for layers in layer_sets() for name in layers.types()}
    return sorted({*shipped, *_registered, *plugins.names(plugins.LAYER_GROUP)})


def layer_class(type_name: str, param: LayerParameter | None = None) -> type[Layer]:
    """The class behind a type name; its module is imported on first use.

    Where the name has several meanings, `param`, the LayerParameter, decides by the fields that it
    has; without it the name means what it means to Caffe, or to the first fork. Raises LayerError
    with the nearest names for an unknown type, or naming the plugin that failed.
    """
    _load(type_name, param)
    meanings = meanings_of(type_name)
    for meaning in meanings:
        if param is not None and any(has_field(param, field) for field in meaning.when):
            return meaning.cls
    plain = [meaning.cls for meaning in meanings if not meaning.when]
    return plain[0] if plain else meanings[0].cls


def load_meanings(type_name: str) -> None:
    """Import every layer that ships under the name, so that `meanings_of` has them all."""
    for layers in layer_sets():
        if (module := layers.module(type_name)) is not None:
            import_module(module)


def meanings_of(type_name: str) -> list[Meaning]:
    """The classes that are registered under a name so far, those with conditions first."""
    return sorted(_registered.get(type_name, []), key=lambda meaning: not meaning.when)


def _load(type_name: str, param: LayerParameter | None) -> None:
    """Import what the name means: Caffe's layer, else a plugin's, else the forks'."""
    if (module := CAFFE.module(type_name)) is not None:
        import_module(module)
    if type_name in _registered and (param is None or not additions(param)):
        return
    if type_name not in _registered:
        _load_plugin(type_name)
    load_meanings(type_name)
    if type_name not in _registered:
        hint = type_of_fork(type_name) or did_you_mean(type_name, layer_types())
        raise LayerError(
            f'unknown layer type "{type_name}"{hint} (`caffe_lite layers` lists the known ones)'
        )


def _load_plugin(type_name: str) -> None:
    point = plugins.find(plugins.LAYER_GROUP, type_name)
    if point is None:
        return
    try:
        loaded = plugins.load(point)
    except Exception as error:
        raise LayerError(
            f'layer type "{type_name}": its plugin {point.value} could not be '
            f"loaded: {type(error).__name__}: {error}"
        ) from error
    if type_name not in _registered:
        register(type_name)(loaded)
