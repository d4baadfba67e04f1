"""Matrix products through cuBLAS, called as a C library.

CuPy's wrapper refuses to run while a stream is captured into a graph, and sets the math mode of a
handle that other code shares. This one has its own handle, workspace and precision.
"""

import ctypes
from typing import Any

import numpy

from caffe_lite.errors import BackendError

WORKSPACE_BYTES = 32 * 2**20  # what cuBLAS recommends for its largest devices

_REAL = {"float32": (0, ctypes.c_float), "float64": (1, ctypes.c_double)}  # cudaDataType_t
_COMPUTE_32F, _COMPUTE_64F, _COMPUTE_32F_FAST_TF32 = 68, 70, 77
_DEFAULT_ALGORITHM = -1
_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
_SIGNATURES: dict[str, list[Any]] = {
    "cublasCreate_v2": [_POINTER],
    "cublasSetStream_v2": [_POINTER, _POINTER],
    "cublasSetWorkspace_v2": [_POINTER, _POINTER, ctypes.c_size_t],
    "cublasGemmEx": [
        *(_POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER),
        *(_POINTER, _INT, _INT) * 2,
        *(_POINTER, _POINTER, _INT, _INT, _INT, _INT),
    ],
    "cublasGemmStridedBatchedEx": [
        *(_POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER),
        *(_POINTER, _INT, _INT, _LONG) * 2,
        *(_POINTER, _POINTER, _INT, _INT, _LONG, _INT, _INT, _INT),
    ],
}
_STATUS = {
    1: "not initialized",
    3: "out of memory",
    7: "invalid value",
    8: "unsupported by this device",
    13: "execution failed",
    14: "internal error",
    15: "not supported",
}


class Blas:
    """Row-major matrix products of one element type on one stream.

    `library` is the cuBLAS shared library; `workspace` owns WORKSPACE_BYTES of device memory at
    `workspace.ptr`, without which cuBLAS would allocate during capture.
    """

    def __init__(self, library: Any, dtype: Any, stream: int, workspace: Any) -> None:
        self._library = library
        self._workspace = workspace
        for name, types in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, _INT
        self._type, ctype = _REAL[numpy.dtype(dtype).name]
        self._single = ctype is ctypes.c_float
        # Attributes, because cuBLAS reads them through their addresses.
        self._zero, self._one = ctype(0), ctype(1)
        self._factors = [ctypes.addressof(self._zero), ctypes.addressof(self._one)]
        handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.addressof(handle))
        self._handle = handle
        self._call("cublasSetStream_v2", handle, stream)
        # After setting the stream, which resets the workspace.
        self._call("cublasSetWorkspace_v2", handle, workspace.ptr, WORKSPACE_BYTES)

    def gemm(
        self,
        m: int,
        n: int,
        k: int,
        a: "Matrix",
        b: "Matrix",
        out: "Matrix",
        accumulate: bool = False,
        tf32: bool = False,
        batch: int = 1,
    ) -> None:
        """out (m, n) = or += op(a) (m, k) @ op(b) (k, n), for each of `batch` matrices.

        A matrix's `step` is the distance in elements to the next one of the batch; 0 repeats it.
        """
        if m == 0 or n == 0 or batch == 0:
            return
        alpha, beta = self._factors[1], self._factors[accumulate]
        compute = _COMPUTE_32F_FAST_TF32 if tf32 else _COMPUTE_32F
        if not self._single:
            compute = _COMPUTE_64F
        # cuBLAS expects column-major matrices, so it sees each one transposed and is asked for
        # out^T = op(b)^T op(a)^T.
        shape = (self._handle, int(b.transposed), int(a.transposed), n, m, k, alpha)
        kind = self._type
        if batch == 1:
            self._call(
                "cublasGemmEx",
                *shape,
                *(b.pointer, kind, b.row, a.pointer, kind, a.row),
                *(beta, out.pointer, kind, out.row, compute, _DEFAULT_ALGORITHM),
            )
        else:
            self._call(
                "cublasGemmStridedBatchedEx",
                *shape,
                *(b.pointer, kind, b.row, b.step, a.pointer, kind, a.row, a.step),
                *(beta, out.pointer, kind, out.row, out.step, batch, compute),
                _DEFAULT_ALGORITHM,
            )

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status != 0:
            meaning = _STATUS.get(status, "see cublasStatus_t")
            raise BackendError(f"{name} failed with status {status} ({meaning})")


class Matrix:
    """A row-major matrix at a device address: elements per row, and whether to transpose it.

    `offset` counts elements from the start of `array`, `step` elements between matrices of a batch.
    """

    __slots__ = ("pointer", "row", "step", "transposed")

    def __init__(
        self, array: Any, row: int, transposed: bool = False, offset: int = 0, step: int = 0
    ) -> None:
        self.pointer = array.data.ptr + offset * array.itemsize
        self.row = max(1, row)
        self.transposed = transposed
        self.step = step
