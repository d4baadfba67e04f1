"""The CPU backend's C functions: from the wheel, or compiled on first use.

Without either (no compiler, no cache to write to, a library that does not load,
CAFFE_LITE_NATIVE=0) `load` returns None and the NumPy backend does all the work;
`unavailable_reason` says why.
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
    """The C functions for one element type, as attributes of two handles.

    Calls through `without_gil` release the interpreter lock, calls through `with_gil` keep it. The
    second is for calls of some microseconds: after releasing the lock, a thread may wait
    milliseconds to get it back. `origin` says in a few words where the library comes from.
    """

    def __init__(self, path: str, threads: int, prefix: str = "", origin: str = "") -> None:
        self.origin = origin
        self.without_gil = _Functions(ctypes.CDLL(path), prefix)
        self.with_gil = _Functions(ctypes.PyDLL(path), prefix)
        self.without_gil.pool_configure(threads)


class _Functions:
    def __init__(self, handle: Any, prefix: str) -> None:
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(handle, prefix + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: names come from SIGNATURES
        raise AttributeError(name)


def enabled() -> bool:
    """Whether the environment allows native code."""
    return os.environ.get("CAFFE_LITE_NATIVE", "1") != "0"


def load(dtype: Any) -> Library | None:
    """The library for float32 or float64, or None if only the NumPy backend can be used."""
    return _find(dtype)[0]


def unavailable_reason(dtype: Any = "float32") -> str | None:
    """Why `load(dtype)` returns None, in one line; None if it returns a library."""
    return _find(dtype)[1]


def _find(dtype: Any) -> tuple[Library | None, str | None]:
    if not enabled():
        return None, "CAFFE_LITE_NATIVE=0 turns it off"
    with _lock:
        return _load(ELEMENTS[numpy.dtype(dtype).name])


@cache
def _load(element: str) -> tuple[Library | None, str | None]:
    from caffe_lite.backend.cache import CacheError, UntrustedError
    from caffe_lite.backend.native.compiler import BuildError

    library = _packaged(element)
    if library is not None:
        return library, None
    level = logging.DEBUG
    try:
        return _compiled(element), None
    except (BuildError, CacheError) as problem:
        reason = str(problem)
        if isinstance(problem, UntrustedError):
            level = logging.WARNING
    except (OSError, AttributeError) as problem:
        reason = " ".join(f"the compiled library does not load: {problem}".split())
    log.log(level, "native code is off: %s", reason)
    return None, reason


def _packaged(element: str) -> Library | None:
    from caffe_lite.backend.native import packaged

    if not packaged.PATH.exists():
        return None
    try:
        prefix = packaged.prefix(element)
        level = prefix.split("_")[1]
        return Library(str(packaged.PATH), thread_count(), prefix, f"packaged for {level}")
    except (OSError, AttributeError) as problem:
        log.warning("%s: does not load (%s); compiling the library", packaged.PATH, problem)
        return None


def _compiled(element: str) -> Library:
    from caffe_lite.backend.native import build

    path = build.library(element)
    return Library(str(path), thread_count(), origin="compiled for this processor")
