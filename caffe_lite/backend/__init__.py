"""The array operations behind every layer and solver, on the CPU and on GPUs."""

from numpy.typing import DTypeLike

from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.reference.ops import Ops
from caffe_lite.backend.rules import UpdateRule
from caffe_lite.backend.slots import UpdateSlot

__all__ = ["ConvGeometry", "Ops", "UpdateRule", "UpdateSlot", "get_ops"]


def get_ops(device: int | str | None = None, dtype: DTypeLike = "float32") -> Ops:
    """The backend for a device: None or "cpu", or the number of a GPU.

    `dtype` is float32 or float64. Raises `BackendError` if the GPU or its library is missing.
    """
    if device is None or device == "cpu":
        from caffe_lite.backend import native
        from caffe_lite.backend.cpu.ops import NumpyOps
        from caffe_lite.backend.native.ops import NativeOps

        library = native.load(dtype)
        return NumpyOps(dtype) if library is None else NativeOps(library, dtype)
    from caffe_lite.backend.gpu.ops import CupyOps

    return CupyOps(int(device), dtype)
