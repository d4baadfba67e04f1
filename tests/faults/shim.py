"""The preloaded library as Python sees it: report calls, fail the n-th, fail allocations."""

import ctypes
import errno
import os
import shutil
import subprocess
from pathlib import Path

KINDS = ("open", "write", "fsync", "replace", "mmap")  # in the order of the C enumeration
ERRORS = {"write": errno.ENOSPC, "mmap": errno.ENOMEM}  # all others: EIO
LARGE = 64  # bytes from which an allocation of NumPy counts

_Hook = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p)


def build(folder):
    """Compile the library; its path, or None where it cannot be preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not hasattr(os, "fork") or not os.path.isdir("/proc/self/fd"):
        return None
    library = folder / "shim.so"
    source = str(Path(__file__).with_name("shim.c"))
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", str(library)], check=True)
    return library


class Shim:
    """In a process that has the library preloaded."""

    def __init__(self):
        self._library = ctypes.CDLL(None)
        self._library.faults_allocate.argtypes = [ctypes.c_size_t, ctypes.c_long]
        self._library.faults_allocations.restype = ctypes.c_long

    def watch(self, folder, hook):
        """Call hook(kind, path) before each call on files below `folder`; it returns an errno."""
        self._hook = _Hook(lambda kind, path: hook(KINDS[kind], os.fsdecode(path)))
        self._library.faults_watch(os.fsencode(folder), self._hook)

    def fail(self, folder, kind, number):
        """The `number`-th call of that kind fails, counted from 1; 0: none. Returns a counter.

        A write that fails is followed by others that fail: the disk is full.
        """
        if kind == "allocate":
            self._library.faults_allocate(LARGE, number)
            return self._library.faults_allocations
        calls = []

        def hook(called, path):
            if called != kind:
                return 0
            calls.append(path)
            later = kind == "write" and 0 < number < len(calls)
            return ERRORS.get(kind, errno.EIO) if later or len(calls) == number else 0

        self.watch(folder, hook)
        return lambda: len(calls)
