"""The process-wide settings of pycaffe: device and random seed."""

import logging

from caffe_lite.backend import Ops, get_ops
from caffe_lite.errors import BackendError

log = logging.getLogger("caffe_lite.pycaffe")

_cpu_only = False
_wants_gpu = False
_device: int | None = None
_wanted_device = 0
_seed: int | None = None


def set_mode_cpu() -> None:
    """Build nets and solvers on the CPU from now on."""
    global _device, _wants_gpu
    _device, _wants_gpu = None, False


def use_cpu_only() -> None:
    """Build everything on the CPU for the rest of the process, whatever `set_mode_gpu` asks for."""
    global _cpu_only, _device
    _cpu_only, _device = True, None


def set_mode_gpu() -> None:
    """Build nets and solvers on the GPU that `set_device` chose (0 at first) from now on.

    Without CuPy or such a device a warning is logged and the CPU is used, as `caffe_lite train`
    does for `solver_mode: GPU`.
    """
    global _device, _wants_gpu
    _wants_gpu = True
    _device = _usable(_wanted_device)


def set_device(device: int) -> None:
    """Choose the GPU for `set_mode_gpu`."""
    global _device, _wanted_device
    _wanted_device = device
    if _wants_gpu:
        _device = _usable(device)


def _usable(device: int) -> int | None:
    """The device, or None for the CPU if there is no such GPU."""
    if _cpu_only:
        return None
    try:
        get_ops(device)
    except BackendError as error:
        log.warning("set_mode_gpu: %s; using the CPU", error)
        return None
    return device


def set_random_seed(seed: int) -> None:
    """Use this seed for the nets built from now on."""
    global _seed
    _seed = seed


def current_seed() -> int | None:
    """The seed that `set_random_seed` set, or None."""
    return _seed


def current_ops() -> Ops:
    """The backend of the current device, in float32."""
    return get_ops(_device)
