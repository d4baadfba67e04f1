"""How many threads the CPU backends use."""

import os
from math import ceil
from pathlib import Path

SETTINGS = ("CAFFE_LITE_THREADS", "OMP_NUM_THREADS")
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def thread_count() -> int:
    """The first positive number in the environment variables `SETTINGS`, else the usable CPUs.

    Those are the CPUs that the process may run on, capped by its cgroup quota: a container often
    has a small share of the CPUs of a large machine.
    """
    for name in SETTINGS:
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, min(usable, _cgroup_quota() or usable))


def _cgroup_quota() -> int | None:
    """CPUs in the control group's quota, rounded up; None without a quota."""
    for numbers in (_quota_v2, _quota_v1):
        try:
            quota, period = numbers()
            if quota > 0 and period > 0:
                return ceil(quota / period)
        except (OSError, ValueError):
            continue
    return None


def _quota_v2() -> tuple[int, int]:
    quota, period = (CONTROL_GROUPS / "cpu.max").read_text().split()
    return int(quota), int(period)


def _quota_v1() -> tuple[int, int]:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    quota, period = (int((CONTROL_GROUPS / "cpu" / name).read_text()) for name in names)
    return quota, period
