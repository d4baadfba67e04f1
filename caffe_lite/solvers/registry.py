"""Solvers by the name that a SolverParameter's `type` gives."""

import logging
from collections.abc import Callable
from importlib import import_module
from os import PathLike, fspath
from typing import Any

from caffe_lite.backend import get_ops
from caffe_lite.errors import BackendError, SolverError, did_you_mean
from caffe_lite.proto import load, schema
from caffe_lite.proto.upgrade import solver_needs_upgrade, upgrade_solver
from caffe_lite.solvers.base import Solver

log = logging.getLogger("caffe_lite.solver")

_BUILTIN = ("sgd", "nesterov", "adagrad", "rmsprop", "adadelta", "adam")
_types: dict[str, type[Solver]] = {}


def register(name: str) -> Callable[[type[Solver]], type[Solver]]:
    """Class decorator: `type: "name"` in a solver prototxt makes this solver."""

    def add(cls: type[Solver]) -> type[Solver]:
        cls.type = name
        _types[name] = cls
        return cls

    return add


def solver_types() -> list[str]:
    """The names of all solvers."""
    for module in _BUILTIN:
        import_module(f"caffe_lite.solvers.{module}")
    return sorted(_types)


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
    known = solver_types()
    if param.type not in known:
        place = "solver" if path is None else fspath(path)
        raise SolverError(
            f'{place}: unknown solver type "{param.type}"'
            f"{did_you_mean(param.type, known)} (known: {', '.join(known)})"
        )
    return _types[param.type](
        param, ops or default_ops(param), path=path, unknown=unknown, **options
    )


def default_ops(param: Any) -> Any:
    """The device that `solver_mode: GPU` and `device_id` ask for; without it, or them, the CPU."""
    if param.HasField("solver_mode") and param.solver_mode == schema.SolverParameter.GPU:
        try:
            return get_ops(param.device_id)
        except BackendError as error:
            log.warning("solver_mode: GPU, but %s; training on the CPU", error)
    return get_ops()
