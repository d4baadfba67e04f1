"""What installed packages add to caffe_lite, and what its upper rows offer to its lower ones.

A package adds layers, solvers and record stores through entry points of the groups
`caffe_lite.layers`, `caffe_lite.solvers` and `caffe_lite.sources`.

Some modules that nets name ship with this package, such as LRCN's `sequence_input_layer` and the
replacement for `caffe`. They are in rows above the layers that import them, so the top of the
package announces them here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from caffe_lite.trust import is_trusted, plugin_danger

TYPE_CHECKING = False  # as typing's, which takes long to import; so does importlib.metadata

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from typing import Any

LAYER_GROUP = "caffe_lite.layers"
SOLVER_GROUP = "caffe_lite.solvers"
SOURCE_GROUP = "caffe_lite.sources"

_shipped: dict[str, str] = {}
_services: dict[str, Callable[[], Any]] = {}


def entry_points(**selection: str) -> Any:
    """The entry points of installed packages, by `group` and perhaps `name`."""
    from importlib import metadata

    return metadata.entry_points(**selection)


def names(group: str) -> list[str]:
    """The names that installed packages register in an entry point group."""
    return [point.name for point in entry_points(group=group)]


def find(group: str, name: str) -> EntryPoint | None:
    """The entry point of that name, or None. Where several packages have it, the first counts."""
    return next(iter(entry_points(group=group, name=name)), None)


def load(point: EntryPoint) -> Any:
    """The object that an entry point names; its module is imported.

    Raises ImportError for a plugin in the working folder while definitions are not trusted, and
    whatever the module raises.
    """
    danger = "" if is_trusted() else plugin_danger(point)
    if danger:
        raise ImportError(f"{danger}; definitions are not trusted (CAFFE_LITE_SAFE=1)")
    return point.load()


@cache
def load_all(group: str, trusted: bool = True) -> tuple[str, ...]:
    """Load every entry point of a group, once in a process; `trusted` is what `is_trusted` says.

    Returns a line for each that could not be loaded.
    """
    failures = []
    for point in entry_points(group=group):
        try:
            load(point)
        except Exception as error:  # a stranger's code: whatever it raises
            failures.append(
                f"plugin {point.value} could not be loaded: {type(error).__name__}: {error}"
            )
    return tuple(failures)


def ship_module(name: str, module: str) -> None:
    """Offer `module` to nets whose Python layers name a module `name` that the user lacks."""
    _shipped[name] = module


def shipped_module(name: str) -> str | None:
    """The module that ships under `name`, or None."""
    return _shipped.get(name)


def offer(service: str, function: Callable[[], Any]) -> None:
    """Offer a function to the rows below under the name `service`."""
    _services[service] = function


def call(service: str) -> Any:
    """Call the function offered as `service`."""
    return _services[service]()
