"""The CPU backend's C functions: compiled on first use, and only where a compiler is found.

`load` gives None wherever anything stands in the way (no compiler, no cache to write to, a library
that does not load, CAFFE_LITE_NATIVE=0): the NumPy backend then does all the work.
"""

import ctypes
import logging
import os
import threading
from functools import cache
from typing import Any

import numpy

from caffe_lite.backend.native.signatures import SIGNATURES
from caffe_lite.backend.processors import thread_count

log = logging.getLogger("caffe_lite.backend")
ELEMENTS = {"float32": "float", "float64": "double"}
_lock = threading.Lock()


class Library:
    """The C functions for one element type, as attributes.

    `free` has them releasing the interpreter lock, `brief` keeping it: for calls of some
    microseconds, where another thread could otherwise take the lock and keep it for milliseconds.
    """

    def __init__(self, path: str, threads: int) -> None:
        self.free = _Functions(ctypes.CDLL(path))
        self.brief = _Functions(ctypes.PyDLL(path))
        self.free.pool_configure(threads)


class _Functions:
    def __init__(self, handle: Any) -> None:
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(handle, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: names come from SIGNATURES
        raise AttributeError(name)


def enabled() -> bool:
    """Whether the environment allows native code."""
    return os.environ.get("CAFFE_LITE_NATIVE", "1") != "0"


def load(dtype: Any) -> Library | None:
    """The library for float32 or float64, or None where the NumPy backend has to do."""
    if not enabled():
        return None
    with _lock:
        return _load(ELEMENTS[numpy.dtype(dtype).name])


@cache
def _load(element: str) -> Library | None:
    from caffe_lite.backend.native import build

    try:
        return Library(str(build.library(element)), thread_count())
    except (build.BuildError, OSError, AttributeError, RuntimeError) as problem:
        log.debug("native code is off: %s", problem)
        return None
