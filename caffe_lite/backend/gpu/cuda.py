"""CUDA devices through CuPy: counting, opening and describing them."""

import ctypes
import os
from functools import cache
from typing import Any

import numpy

from caffe_lite.backend.gpu.blas import WORKSPACE_BYTES, Blas
from caffe_lite.backend.gpu.cudnn import Library
from caffe_lite.backend.gpu.cudnn_discovery import EXTRAS, open_cudnn
from caffe_lite.backend.gpu.launch import Launcher
from caffe_lite.errors import BackendError


class OutOfDeviceMemoryError(BackendError):
    """An array did not fit in the device's memory."""


@cache
def import_cupy() -> Any:
    """The `cupy` module. Raises a BackendError that says what to install if there is none."""
    try:
        import cupy
    except ImportError as error:
        raise BackendError(
            "a GPU needs CuPy: pip install 'caffe_lite[gpu13]' for CUDA 13, "
            f"or 'caffe_lite[gpu12]' for CUDA 12 ({error})"
        ) from error
    return cupy


def device_count() -> int:
    """Number of usable GPUs. Raises a BackendError with the driver's message if it fails."""
    cupy = import_cupy()
    try:
        count: int = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(f"no GPU is usable; the CUDA driver reports: {error}") from error
    return count


class Device:
    """One GPU, the stream of all work on it, and its compiled kernels and libraries.

    There is one object per device and process (see `open_device`), so that nets that share arrays
    use one stream and therefore access them in order.
    """

    def __init__(self, number: int) -> None:
        self.cupy = import_cupy()
        count = device_count()
        if not 0 <= number < count:
            has = f"GPUs 0 ... {count - 1}" if count else "no GPU"
            raise BackendError(f"there is no GPU {number}: this machine has {has}")
        self.number = number
        self._handle = self.cupy.cuda.Device(number)
        self._handle.use()
        # The default stream cannot be captured. A blocking stream stays ordered with the work that
        # other code puts on the default stream.
        self.stream = self.cupy.cuda.Stream()
        self.multiprocessors: int = self._handle.attributes["MultiProcessorCount"]
        self.memory: int = self._handle.mem_info[1]
        self.capturing = False
        self._launchers: dict[numpy.dtype, Launcher] = {}
        self._blas: dict[numpy.dtype, Blas] = {}
        self._cudnn: dict[bool, Library | None] = {}

    def use(self) -> None:
        """Make the device and its stream the current ones of this thread."""
        self._handle.use()
        self.stream.use()

    def launcher(self, dtype: numpy.dtype) -> Launcher:
        """The kernels for one element type."""
        if dtype not in self._launchers:
            self._launchers[dtype] = Launcher(
                self._load, self.cupy.ndarray, dtype, self.multiprocessors
            )
        return self._launchers[dtype]

    def blas(self, dtype: numpy.dtype) -> Blas:
        """Matrix products for one element type."""
        if dtype not in self._blas:
            try:
                workspace = self.cupy.cuda.alloc(WORKSPACE_BYTES)
            except self.cupy.cuda.memory.OutOfMemoryError as error:
                raise OutOfDeviceMemoryError(
                    f"gpu:{self.number}: not enough free memory for a workspace; stop other "
                    f"processes on this GPU ({error})"
                ) from error
            library = _cublas_library(self.cupy)
            self._blas[dtype] = Blas(library, dtype, self.stream.ptr, workspace)
        return self._blas[dtype]

    def cudnn(self, tf32: bool) -> Library | None:
        """cuDNN, through its front end if installed; None if there is no cuDNN."""
        if tf32 not in self._cudnn:
            self._cudnn[tf32] = open_cudnn(self.stream.ptr, tf32, self.memory // 16)
        return self._cudnn[tf32]

    def fingerprint(self) -> str:
        """Identifies the device and the libraries that measured choices depend on."""
        info = self.info()
        words = (info["name"], info["runtime_version"], info["cupy_version"])
        return "-".join(words).replace(" ", "_").replace("/", "_")

    def _load(self, code: str, options: tuple[str, ...]) -> Any:
        return self.cupy.RawModule(code=code, options=options)

    def info(self) -> dict[str, Any]:
        """What `device_query` prints: name, memory in bytes, compute capability, versions."""
        runtime = self.cupy.cuda.runtime
        properties = runtime.getDeviceProperties(self.number)
        capability = self._handle.compute_capability
        return {
            "id": self.number,
            "name": properties["name"].decode(),
            "memory_total": self.memory,
            "memory_free": self._handle.mem_info[0],
            "compute_capability": f"{capability[:-1]}.{capability[-1]}",
            "multiprocessors": self.multiprocessors,
            "clock_khz": self._handle.attributes.get("ClockRate"),
            "driver_version": _version(runtime.driverGetVersion()),
            "runtime_version": _version(runtime.runtimeGetVersion()),
            "cupy_version": self.cupy.__version__,
        }


@cache
def open_device(number: int) -> Device:
    """The device with this number, opened once."""
    return Device(number)


def device_query(number: int) -> dict[str, Any]:
    """`Device.info` with cuDNN's version and the default `tf32` setting."""
    cudnn = open_device(number).cudnn(default_tf32() != "none")
    return open_device(number).info() | {
        "cudnn": cudnn.version if cudnn else f"not in use ({EXTRAS})",
        "tf32": default_tf32(),
    }


def default_tf32() -> str:
    """ "convolution" unless the environment variable CUPY_TF32 says 1 ("all") or 0 ("none")."""
    return {"1": "all", "0": "none"}.get(os.environ.get("CUPY_TF32", ""), "convolution")


def _cublas_library(cupy: Any) -> Any:
    """The cuBLAS that CuPy has loaded, as a C library."""
    from cupy_backends.cuda.libs import cublas  # imported to load the library

    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    name = f"cublas64_{major}.dll" if os.name == "nt" else f"libcublas.so.{major}"
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise BackendError(
            f"CuPy works with {cublas.__name__}, but {name} cannot be opened: {error}"
        ) from error


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
