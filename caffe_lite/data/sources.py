"""Find and open a record store by its name.

A store named `tar` is a class `TarSource`: in `tar_source.py` beside this file, or in a package
with an entry point `tar` in the group `caffe_lite.sources`. There is no list of them.
"""

from functools import cache
from importlib import import_module
from pathlib import PurePath
from pkgutil import iter_modules

from caffe_lite import data, plugins
from caffe_lite.data.source import Source
from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.proto import schema

_ENDING = "_source"


def open_source(path: str, backend: int | str = "LEVELDB") -> Source:
    """Open the record store at `path`.

    `backend`, a value of DataParameter.DB or its name, chooses between LMDB and LEVELDB. The enum
    has no value for other stores: a path that ends in a store's name, such as `train.tar`, is
    opened by that store. Raises DataError for an unknown backend, for a plugin that cannot be
    loaded, and for a damaged or missing store.
    """
    databases = schema.DataParameter.DB
    name = databases.Name(backend) if isinstance(backend, int) else backend.upper()
    ending = PurePath(path).suffix[1:].upper()
    cls = None if ending in set(databases.keys()) else _find(ending.lower(), path)
    cls = cls or _find(name.lower(), path)
    if cls is None:
        known = sorted(store.upper() for store in _shipped())
        hint = did_you_mean(name, known)
        raise DataError(f'{path}: unknown backend "{name}"{hint}; known: {", ".join(known)}')
    return cls(path)


@cache
def _shipped() -> frozenset[str]:
    """The names of the stores in this folder."""
    modules = (module.name for module in iter_modules(data.__path__))
    return frozenset(name.removesuffix(_ENDING) for name in modules if name.endswith(_ENDING))


def _find(name: str, path: str) -> type[Source] | None:
    """The class of a store, or None; `path` is for the error of a plugin that cannot be loaded."""
    if name in _shipped():
        module = import_module(f"{data.__name__}.{name}{_ENDING}")
        shipped: type[Source] = getattr(module, f"{name.capitalize()}Source")
        return shipped
    point = plugins.find(plugins.SOURCE_GROUP, name) if name else None
    if point is None:
        return None
    try:
        loaded: type[Source] = plugins.load(point)
    except Exception as error:  # a stranger's code: whatever it raises
        raise DataError(
            f"{path}: the plugin {point.value} could not be loaded: {type(error).__name__}: {error}"
        ) from error
    return loaded
