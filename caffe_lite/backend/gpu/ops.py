"""`CupyOps`, the GPU backend."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

from caffe_lite.backend.cache import cache_folder
from caffe_lite.backend.gpu import cuda
from caffe_lite.backend.gpu.activations import GpuActivations
from caffe_lite.backend.gpu.arrays import GpuArrays
from caffe_lite.backend.gpu.capture import GpuRecording, record
from caffe_lite.backend.gpu.convolution import CHUNK_BYTES, GpuConvolution
from caffe_lite.backend.gpu.cudnn import CudnnEngine
from caffe_lite.backend.gpu.explicit_gemm import ExplicitGemm
from caffe_lite.backend.gpu.faults import MOST_SLOTS, Faults
from caffe_lite.backend.gpu.losses import GpuLosses
from caffe_lite.backend.gpu.normalization import GpuNormalization
from caffe_lite.backend.gpu.pooling import GpuPooling
from caffe_lite.backend.gpu.random import GpuRandom
from caffe_lite.backend.gpu.recurrent import GpuRecurrent
from caffe_lite.backend.gpu.roi_pooling import GpuRoiPooling
from caffe_lite.backend.gpu.selection import GpuSelection
from caffe_lite.backend.gpu.tables import Tables
from caffe_lite.backend.gpu.transfer import PinnedMemory, Uploader
from caffe_lite.backend.gpu.tuning import Tuner
from caffe_lite.backend.gpu.updates import GpuUpdates
from caffe_lite.backend.reference.ops import Ops
from caffe_lite.errors import BackendError
from caffe_lite.types import Array

TF32 = ("convolution", "all", "none")


class CupyOps(
    GpuConvolution,
    GpuPooling,
    GpuRoiPooling,
    GpuSelection,
    GpuNormalization,
    GpuRecurrent,
    GpuLosses,
    GpuUpdates,
    GpuActivations,
    GpuRandom,
    GpuArrays,
    Ops,
):
    """Operations on one GPU, through CuPy, cuBLAS and the kernels of this package.

    `device` is the GPU's number. `tf32` says which float32 products may round their factors to
    TF32 (10 bits of mantissa instead of 23): "convolution", "all" or "none". None follows the
    environment variable CUPY_TF32 (1: all, 0: none); without it convolutions may, as in other
    frameworks.

    Only `to_host` and `synchronize` wait for the device. Raises BackendError if CuPy or the device
    is missing.
    """

    on_host = False
    can_capture = True

    def __init__(
        self, device: int = 0, dtype: DTypeLike = "float32", tf32: str | None = None
    ) -> None:
        self.device = cuda.open_device(device)
        self.device.use()
        super().__init__(self.device.cupy, dtype, f"gpu:{device}")
        self.tf32 = cuda.default_tf32() if tf32 is None else tf32
        if self.tf32 not in TF32:
            raise BackendError(f'tf32 must be one of {", ".join(TF32)}; got "{self.tf32}"')
        self.multiprocessors = self.device.multiprocessors
        self.launch = self.device.launcher(self.dtype)
        self.blas = self.device.blas(self.dtype)
        self.gemm_tf32 = self.tf32 == "all"
        self.explicit = ExplicitGemm(self, self.tf32 != "none")
        library = self.device.cudnn(self.tf32 != "none") if self.dtype.name == "float32" else None
        self.cudnn = CudnnEngine(library, self) if library else None
        self.tables = Tables(self.xp.asarray)
        self.faults = Faults(self.zeros((MOST_SLOTS, 2)))
        self.host_memory = PinnedMemory(self.xp, self.device.use)
        self.uploader = Uploader(self.xp, self.device.stream, self.host_memory)
        self.chunk_bytes = tuple(min(size, self.device.memory // 32) for size in CHUNK_BYTES)
        self.tuner = Tuner(self._mark, self._elapsed, _tuning_folder(self.device))
        self._multipliers = {}
        self._crops = {}
        self._recorded = False
        self._retired: list[Any] = []

    @property
    def capturing(self) -> bool:  # type: ignore[override]
        """Whether work is being recorded for a graph; it must not wait or be measured."""
        return self.device.capturing

    def empty(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """A new array with undefined content. Raises OutOfDeviceMemoryError."""
        return self._allocate(self.xp.empty, shape, dtype)

    def zeros(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """A new array of zeros. Raises OutOfDeviceMemoryError."""
        return self._allocate(self.xp.zeros, shape, dtype)

    def synchronize(self) -> None:
        """Wait until all work has finished, and raise the faults recorded on the device."""
        self.device.stream.synchronize()
        self.faults.check()

    def capture(self, function: Callable[[], None]) -> GpuRecording:
        """Record the device work of `function` without running it, to be replayed later.

        Run `function` once before, so that kernels are compiled, algorithms chosen and workspaces
        grown. Raises CaptureError if the work cannot be recorded.
        """
        self.device.use()
        self.device.capturing = self._recorded = True
        self.tuner.enabled = False
        try:
            return record(self.xp, self.device.stream, function, self.tables.kept)
        finally:
            self.device.capturing = False
            self.tuner.enabled = True

    def _allocate(self, make: Callable[..., Any], shape: Sequence[int], dtype: Any) -> Array:
        try:
            return make(shape, dtype or self.dtype)
        except self.xp.cuda.memory.OutOfMemoryError as error:
            raise cuda.OutOfDeviceMemoryError(
                f"{self.name}: no memory for an array of shape {tuple(shape)}: {error}"
            ) from error

    def _replace_arena(self, size: int) -> None:
        if self._recorded and self._arena is not None:
            self._retired.append(self._arena)  # a recorded graph may still use it
        self._arena = None
        self._arena = self.empty((size,))

    def _mark(self) -> Any:
        event = self.xp.cuda.Event()
        event.record(self.device.stream)
        return event

    def _elapsed(self, start: Any, end: Any) -> float:
        end.synchronize()
        elapsed: float = self.xp.cuda.get_elapsed_time(start, end)
        return elapsed


def _tuning_folder(device: cuda.Device) -> Path | None:
    """The folder for measured choices of one kind of device, or None."""
    cache = cache_folder()
    return None if cache is None else cache / f"cuda-{device.fingerprint()}"
