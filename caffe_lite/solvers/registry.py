"""The solvers that a prototxt can name: built-in, registered, and those of installed packages."""

import logging
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from inspect import getattr_static
from os import PathLike, fspath
from pkgutil import iter_modules
from typing import Any, TypeVar

from caffe_lite import plugins
from caffe_lite.backend import get_ops
from caffe_lite.errors import BackendError, SolverError, did_you_mean
from caffe_lite.proto import load, schema
from caffe_lite.proto.upgrade import solver_needs_upgrade, upgrade_solver
from caffe_lite.solvers import rules
from caffe_lite.solvers.base import Solver

log = logging.getLogger("caffe_lite.solver")

ENTRY_POINT_GROUP = "caffe_lite.solvers"

S = TypeVar("S", bound=type[Solver])

_registered: dict[str, type[Solver]] = {}


def register(type_name: str) -> Callable[[S], S]:
    """Class decorator: make `type: "<type_name>"` in a solver prototxt build the decorated Solver.

    The class has its update rule as a static method `rule` (see `Solver.rule`). Raises SolverError
    for a class without one, or when another class already has the name. A package can register
    without being imported by the user through an entry point in the group `caffe_lite.solvers`:
    `Lion = "my_package:LionSolver"`.
    """

    def decorate(cls: S) -> S:
        _check_class(cls, type_name)
        mine, owner = _place(cls), _owner(type_name, cls)
        if owner not in (None, mine):
            raise SolverError(
                f'solver type "{type_name}" is already registered by {owner}; choose another name '
                f"for {mine}"
            )
        cls.type = type_name
        _registered[type_name] = cls
        return cls

    return decorate


def _check_class(cls: Any, type_name: str) -> None:
    if not (isinstance(cls, type) and issubclass(cls, Solver)):
        raise SolverError(
            f'solver type "{type_name}": {cls!r} must be a class that derives from '
            "caffe_lite.solvers.Solver"
        )
    if cls.rule is Solver.rule or not isinstance(getattr_static(cls, "rule"), staticmethod):
        raise SolverError(
            f'solver type "{type_name}": {_place(cls)} needs its update rule as a static method, '
            "rule(xp, g, history, rate, hyper)"
        )


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _owner(type_name: str, cls: type) -> str | None:
    """The class that has the name, if any."""
    if not cls.__module__.startswith(f"{rules.__name__}."):
        _import_built_in()
    known = _registered.get(type_name)
    return None if known is None else _place(known)


def _import_built_in() -> None:
    for module in iter_modules(rules.__path__):
        import_module(f"{rules.__name__}.{module.name}")


def solver_types() -> list[str]:
    """All known type names, sorted: built-in, registered and those of installed packages."""
    _import_built_in()
    plugins = (point.name for point in entry_points(group=ENTRY_POINT_GROUP))
    return sorted({*_registered, *plugins})


def solver_class(type_name: str, place: str = "solver") -> type[Solver]:
    """The class behind a type name.

    Raises SolverError, naming `place`, for an unknown type, with the known ones, and for a plugin
    that cannot be loaded.
    """
    _import_built_in()
    if type_name in _registered:
        return _registered[type_name]
    for point in entry_points(group=ENTRY_POINT_GROUP, name=type_name):
        try:
            loaded = plugins.load(point)
        except Exception as error:
            raise SolverError(
                f'{place}: solver type "{type_name}": its plugin {point.value} could not be '
                f"loaded: {type(error).__name__}: {error}"
            ) from error
        return register(type_name)(loaded)
    known = solver_types()
    raise SolverError(
        f'{place}: unknown solver type "{type_name}"'
        f"{did_you_mean(type_name, known)} (known: {', '.join(known)})"
    )


def get_solver(
    param: Any, ops: Any = None, *, path: Any = None, unknown: Any = "error", **options: Any
) -> Solver:
    """The solver that a SolverParameter, or the file at a path, describes.

    `ops` is the device and element type to train with (default: `default_ops`). `unknown="warn"`
    steps over fields that the schema does not have. `options` go to `Solver`. Raises SolverError,
    PrototxtError or what building a net raises, each in one line.
    """
    if isinstance(param, (str, PathLike)):
        path = param
        param = load.load_solver(param, unknown)
    elif solver_needs_upgrade(param):
        param = upgrade_solver(param, "solver" if path is None else fspath(path))
    else:
        param = schema.current(param)
    if param.HasField("layer_wise_reduce"):
        log.debug("layer_wise_reduce concerns training on several GPUs and changes nothing here")
    cls = solver_class(param.type, "solver" if path is None else fspath(path))
    return cls(param, ops or default_ops(param), path=path, unknown=unknown, **options)


def default_ops(param: Any) -> Any:
    """The backend named by solver_mode and device_id.

    It is the CPU's if solver_mode is not GPU, or if no GPU is usable, which the log reports.
    """
    if param.device_id__list:
        device = param.device_id__list[0]
        log.info("device_id lists %s; one process uses one", list(param.device_id__list))
    else:
        device = param.device_id
    if param.HasField("solver_mode") and param.solver_mode == schema.SolverParameter.GPU:
        try:
            return get_ops(device)
        except BackendError as error:
            log.warning("solver_mode: GPU, but %s; training on the CPU", error)
    return get_ops()
