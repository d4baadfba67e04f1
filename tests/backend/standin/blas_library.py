"""Those C functions of cuBLAS that the package calls, on host memory."""

import ctypes

import numpy

from tests.backend.standin.memory import MEMORY, TAPE

_TYPES = {0: numpy.float32, 1: numpy.float64}
_COMPUTES = {0: {68, 77}, 1: {70}}


class BlasLibrary:
    """Has the attributes that `ctypes.CDLL("libcublas.so")` would have."""

    def __init__(self):
        for name in ("Create_v2", "SetStream_v2", "SetWorkspace_v2"):
            setattr(self, f"cublas{name}", _Function(lambda *args: 0))
        self.cublasGemmEx = _Function(self._gemm)
        self.cublasGemmStridedBatchedEx = _Function(self._gemm_batched)

    def _gemm(self, handle, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, *how):
        return self._gemm_batched(
            *(handle, ta, tb, m, n, k, alpha, a, at, lda, 0, b, bt, ldb, 0, beta),
            *(c, ct, ldc, 0, 1, *how),
        )

    def _gemm_batched(
        self, handle, ta, tb, m, n, k, alpha, a, at, lda, sa, b, bt, ldb, sb, beta, c, ct, ldc, sc,
        count, compute, algorithm,
    ):  # fmt: skip
        if at != bt or at != ct or compute not in _COMPUTES[at]:
            return 7
        if lda < (k if ta else m) or ldb < (n if tb else k) or ldc < m:
            return 7
        real = ctypes.c_float if at == 0 else ctypes.c_double
        alpha, beta = (real.from_address(factor).value for factor in (alpha, beta))

        def run():
            for i in range(count):
                left = _matrix(a, at, lda, *((k, m) if ta else (m, k)), sa * i)
                right = _matrix(b, bt, ldb, *((n, k) if tb else (k, n)), sb * i)
                out = _matrix(c, ct, ldc, m, n, sc * i)
                product = alpha * ((left.T if ta else left) @ (right.T if tb else right))
                out[...] = product if beta == 0 else product + beta * out

        TAPE.do(run)
        return 0


class _Function:
    """A function with the attributes of ctypes' functions."""

    def __init__(self, function):
        self._function = function

    def __call__(self, *args):
        return self._function(*args)


def _matrix(address, kind, leading, rows, columns, offset):
    """A column-major matrix at an address; it must be inside one block of device memory."""
    dtype = numpy.dtype(_TYPES[kind])
    address += offset * dtype.itemsize
    count = leading * (columns - 1) + rows if columns else 0
    start, end = MEMORY.block_of(address)
    if address + count * dtype.itemsize > end:
        raise RuntimeError("a matrix product reaches outside its array")
    flat = numpy.frombuffer(
        (ctypes.c_ubyte * (count * dtype.itemsize)).from_address(address), dtype
    )
    return numpy.lib.stride_tricks.as_strided(
        flat, (rows, columns), (dtype.itemsize, leading * dtype.itemsize)
    )
