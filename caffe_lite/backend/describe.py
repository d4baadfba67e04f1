"""What is known of the machine: its processor, its GPUs, the libraries in use."""

import os
import platform
import sys
from typing import Any

import numpy

from caffe_lite.errors import BackendError

OPENBLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def describe_cpu() -> dict[str, str]:
    """The processor and the libraries on the CPU; what to name beside every measurement."""
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
    }
    found.update({name: os.environ[name] for name in OPENBLAS_SETTINGS if name in os.environ})
    return found


def processor_name() -> str:
    """The processor as the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_gpus(wanted: list[int] | None = None) -> list[dict[str, Any]]:
    """What is known of GPUs `wanted`, or of all; of a missing one, why it cannot be used.

    Raises BackendError for a GPU asked for by number that is not there.
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
