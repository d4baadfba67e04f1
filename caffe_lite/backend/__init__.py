"""The array operations behind every layer and solver, on the CPU and on GPUs."""

from typing import Any

from .geometry import ConvGeometry
from .ops import Ops
from .slots import UpdateSlot

__all__ = ["ConvGeometry", "Ops", "UpdateSlot", "get_ops"]


def get_ops(device: int | str | None = None, dtype: Any = "float32") -> Ops:
    """The backend for a device: None or "cpu", or a GPU's number.

    `dtype` is float32 or float64. Raises `BackendError` where the GPU or its library is missing.
    """
    if device is None or device == "cpu":
        from . import native
        from .native_ops import NativeOps
        from .numpy_ops import NumpyOps

        library = native.load(dtype)
        return NumpyOps(dtype) if library is None else NativeOps(library, dtype)
    from .cupy_ops import CupyOps

    return CupyOps(int(device), dtype)
