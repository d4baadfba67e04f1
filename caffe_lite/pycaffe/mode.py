"""The process-wide settings of pycaffe, device and random seed; nothing else has any."""

from typing import Any

from caffe_lite.backend import get_ops

_device: int | None = None
_wanted_device = 0
_seed: int | None = None


def set_mode_cpu() -> None:
    """Build nets and solvers on the CPU from now on."""
    global _device
    _device = None


def set_mode_gpu() -> None:
    """Build nets and solvers on the GPU that `set_device` chose (0 at first) from now on.

    Raises BackendError when CuPy or a device is missing.
    """
    global _device
    get_ops(_wanted_device)
    _device = _wanted_device


def set_device(device: int) -> None:
    """Choose the GPU for `set_mode_gpu`."""
    global _device, _wanted_device
    _wanted_device = device
    if _device is not None:
        get_ops(device)
        _device = device


def set_random_seed(seed: int) -> None:
    """Give the nets built from now on this seed."""
    global _seed
    _seed = seed


def current_seed() -> int | None:
    return _seed


def current_ops() -> Any:
    """Operations of the device that the mode names, in float32."""
    return get_ops(_device)
