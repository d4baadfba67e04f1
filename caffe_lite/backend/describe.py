"""Describes the machine: its processor, its GPUs, the libraries in use."""

import os
import platform
import sys
from typing import Any

import numpy

from caffe_lite.errors import BackendError

OPENBLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def describe_cpu() -> dict[str, str]:
    """The processor, the CPU backend and its libraries: what to record with a measurement.

    "CPU backend" says whether the C library is used, and if not, why not.
    """
    from caffe_lite import __version__

    blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    found = {
        "Device": "CPU",
        "Processor": processor_name(),
        "Cores usable": str(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "Python": sys.version.split()[0],
        "NumPy": numpy.__version__,
        "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "caffe_lite": __version__,
        "CPU backend": _cpu_backend(),
    }
    found.update({name: os.environ[name] for name in OPENBLAS_SETTINGS if name in os.environ})
    return found


def _cpu_backend() -> str:
    from caffe_lite.backend import native

    library = native.load("float32")
    if library is None:
        return f"NumPy (no native code: {native.unavailable_reason('float32')})"
    return f"native, {library.origin}"


def processor_name() -> str:
    """The processor's name as the system reports it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_gpus(wanted: list[int] | None = None) -> list[dict[str, Any]]:
    """One description for each of the GPUs `wanted`, or for all.

    Without `wanted`, a machine without a usable GPU gets one entry that says why. Raises
    BackendError if a GPU in `wanted` cannot be used.
    """
    from caffe_lite.backend.gpu import cuda

    try:
        numbers = range(cuda.device_count()) if wanted is None else wanted
        return [
            {key: str(value) for key, value in cuda.device_query(number).items()}
            for number in numbers
        ]
    except BackendError as error:
        if wanted is not None:
            raise
        return [{"Device": "GPU", "Not usable": str(error)}]
