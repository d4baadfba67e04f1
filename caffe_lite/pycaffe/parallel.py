"""pycaffe's interface to several GPUs: it reports one solver on one device, and refuses more."""

from typing import Any, NoReturn

from caffe_lite.errors import BackendError


def _refuse(what: str) -> NoReturn:
    raise BackendError(
        f"{what}: training runs in one process on one device; call solver.step or solver.solve"
    )


def has_nccl() -> bool:
    """False: NCCL is not supported."""
    return False


def solver_count() -> int:
    """The number of solvers, always 1."""
    return 1


def set_solver_count(count: int) -> None:
    """Raises BackendError for more than one solver."""
    if count != 1:
        _refuse(f"set_solver_count({count})")


def solver_rank() -> int:
    """The number of this process's solver, always 0."""
    return 0


def set_solver_rank(rank: int) -> None:
    """Raises BackendError for a rank other than 0."""
    if rank != 0:
        _refuse(f"set_solver_rank({rank})")


def set_multiprocess(multiprocess: bool) -> None:
    """Raises BackendError for True."""
    if multiprocess:
        _refuse("set_multiprocess(True)")


class NCCL:
    """Not supported: the constructor raises BackendError."""

    def __init__(self, solver: Any, uid: Any) -> None:
        _refuse("NCCL")

    @staticmethod
    def new_uid() -> NoReturn:
        _refuse("NCCL.new_uid")
