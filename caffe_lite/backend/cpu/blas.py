"""NumPy's own OpenBLAS, called directly: its number of threads, and products that accumulate."""

import ctypes
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy

from caffe_lite.types import Array

_ROW_MAJOR, _NOT_TRANSPOSED, _TRANSPOSED = 101, 111, 112
_PATTERNS = ("*.libs/*openblas*", "numpy/.dylibs/*openblas*")
_SPELLINGS = (
    ("scipy_cblas_{}gemm64_", "scipy_openblas_{}_num_threads64_", ctypes.c_int64),
    ("cblas_{}gemm64_", "openblas_{}_num_threads64_", ctypes.c_int64),
    ("scipy_cblas_{}gemm", "scipy_openblas_{}_num_threads", ctypes.c_int),
)


class OpenBlas:
    """The library in NumPy's wheel; its functions release the interpreter lock."""

    def __init__(self, handle: Any, gemm: str, threads: str, integer: Any) -> None:
        self._get_threads = getattr(handle, threads.format("get"))
        self._set_threads = getattr(handle, threads.format("set"))
        self._holders, self._threads, self._lock = 0, 0, threading.Lock()
        self._gemm = {}
        flag, address = ctypes.c_int, ctypes.c_void_p
        for name, letter, real in (
            ("float32", "s", ctypes.c_float),
            ("float64", "d", ctypes.c_double),
        ):
            function = getattr(handle, gemm.format(letter))
            function.restype = None
            function.argtypes = [flag, flag, flag, integer, integer, integer, real, address]
            function.argtypes += [integer, address, integer, real, address, integer]
            self._gemm[numpy.dtype(name)] = function

    def __enter__(self) -> None:
        """Limit the library to one thread: its workers keep spinning after each product."""
        with self._lock:
            if not self._holders:
                self._threads = self._get_threads()
                self._set_threads(1)
            self._holders += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._set_threads(self._threads)

    def add_product(self, a: Array, b: Array, out: Array, trans_a: bool, trans_b: bool) -> None:
        """out += op(a) @ op(b), for arrays of one float type with contiguous rows."""
        (m, n), k = out.shape, a.shape[0 if trans_a else 1]
        size = a.itemsize
        self._gemm[a.dtype](
            _ROW_MAJOR,
            _TRANSPOSED if trans_a else _NOT_TRANSPOSED,
            _TRANSPOSED if trans_b else _NOT_TRANSPOSED,
            *(m, n, k, 1.0),
            *(a.ctypes.data, a.strides[0] // size),
            *(b.ctypes.data, b.strides[0] // size),
            *(1.0, out.ctypes.data, out.strides[0] // size),
        )


@cache
def openblas() -> OpenBlas | None:
    """NumPy's OpenBLAS, or None if NumPy was built with another BLAS."""
    packages = Path(numpy.__file__).parent.parent
    for path in (path for pattern in _PATTERNS for path in sorted(packages.glob(pattern))):
        if not path.name.startswith(("libscipy_openblas", "libopenblas")):
            continue
        for spelling in _SPELLINGS:
            try:
                return OpenBlas(ctypes.CDLL(str(path)), *spelling)
            except (OSError, AttributeError):
                continue
    return None
