"""How many threads the CPU backends use."""

import os
from math import ceil
from pathlib import Path

SETTINGS = ("CAFFE_LITE_THREADS", "OMP_NUM_THREADS")
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def thread_count() -> int:
    """The first of `SETTINGS` that holds a positive number, else the processors at hand.

    Those are the ones that the process may run on, and no more than its control group pays for: a
    container on a large machine often has a small share of many processors.
    """
    for name in SETTINGS:
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, min(usable, _paid_for() or usable))


def _paid_for() -> int | None:
    """Processors that the control group's quota amounts to, or None without one."""
    for numbers in (_second_version, _first_version):
        try:
            quota, period = numbers()
            if quota > 0 and period > 0:
                return ceil(quota / period)
        except (OSError, ValueError):
            continue
    return None


def _second_version() -> tuple[int, int]:
    quota, period = (CONTROL_GROUPS / "cpu.max").read_text().split()
    return int(quota), int(period)


def _first_version() -> tuple[int, int]:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    quota, period = (int((CONTROL_GROUPS / "cpu" / name).read_text()) for name in names)
    return quota, period
