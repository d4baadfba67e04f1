"""What pycaffe has for several GPUs: answers for one solver on one device, errors for more."""

from typing import Any, NoReturn

from caffe_lite.errors import BackendError


def _refuse(what: str) -> NoReturn:
    raise BackendError(
        f"{what}: training runs in one process on one device; call solver.step or solver.solve"
    )


def has_nccl() -> bool:
    return False


def solver_count() -> int:
    return 1


def set_solver_count(count: int) -> None:
    """Raises BackendError for more than one solver."""
    if count != 1:
        _refuse(f"set_solver_count({count})")


def solver_rank() -> int:
    return 0


def set_solver_rank(rank: int) -> None:
    """Raises BackendError for another rank than 0."""
    if rank != 0:
        _refuse(f"set_solver_rank({rank})")


def set_multiprocess(multiprocess: bool) -> None:
    """Raises BackendError for True."""
    if multiprocess:
        _refuse("set_multiprocess(True)")


class NCCL:
    """Refused: raises BackendError."""

    def __init__(self, solver: Any, uid: Any) -> None:
        _refuse("NCCL")

    @staticmethod
    def new_uid() -> NoReturn:
        _refuse("NCCL.new_uid")
