"""The errors of this package, which `except cv2.error` catches too."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from caffe_lite.errors import CaffeError

P = ParamSpec("P")
R = TypeVar("R")


class error(CaffeError):  # noqa: N801, N818 - its name in cv2
    """What goes wrong in `caffe_lite.dnn`, in one line.

    Where cv2 is imported by the time that it is raised, it is a `cv2.error` as well. `code`, `err`,
    `msg`, `func`, `file` and `line` are the fields of that class.
    """

    code = -2  # StsError

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.err = self.msg = str(self)
        self.func = self.file = ""
        self.line = 0


_with_cv2: dict[type[Exception], type[error]] = {}


def make_error(message: str) -> error:
    """An `error`, which is a `cv2.error` too if cv2 is imported. This imports nothing."""
    theirs = getattr(sys.modules.get("cv2"), "error", None)
    if not isinstance(theirs, type) or not issubclass(theirs, Exception):
        return error(message)
    if theirs not in _with_cv2:
        fields = {"__module__": __name__, "__doc__": error.__doc__}
        _with_cv2[theirs] = type("error", (error, theirs), fields)
    return _with_cv2[theirs](message)


def raises_cv2_error(function: Callable[P, R]) -> Callable[P, R]:
    """Turn every CaffeError that a function of the interface raises into an `error`."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except error:
            raise
        except CaffeError as fault:
            raise make_error(str(fault)) from fault

    return call
