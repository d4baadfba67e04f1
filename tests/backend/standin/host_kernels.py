"""The kernel files, built for the host with g++ and called through ctypes."""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy

from caffe_lite.backend.gpu import sources

SHIM = Path(__file__).with_name("cuda_on_host.h")
FLAGS = (
    "-x",
    "c++",
    "-std=c++14",
    "-O1",
    "-fPIC",
    "-shared",
    "-Wl,-Bsymbolic",
    "-U_FORTIFY_SOURCE",
)
_MEETS = re.compile(r"\b(block_sum|block_max|warp_sum|__syncthreads|__shfl\w*)\(")


class HostKernels:
    """The kernels of a file for one element type and index width, run on host memory.

    `replace` has pairs (old, new) of text in the sources, to plant a fault. Files without such text
    come from one library of all files.
    """

    def __init__(self, file, dtype, wide=False, replace=()):
        changed = any(old in sources.source(file) for old, _ in replace)
        files, replace = ((file,), tuple(replace)) if changed else (tuple(sources.files()), ())
        self._library = ctypes.CDLL(str(_build(files, numpy.dtype(dtype).name, wide, replace)))
        self._library.last_fault.restype = ctypes.c_char_p
        self.falling = False  # whether synchronizing threads run in falling order

    def run(self, name, grid, threads, pointers):
        """Run a kernel; `pointers` are the addresses of its arguments."""
        arguments = (ctypes.c_void_p * len(pointers))(*pointers)
        whole_grid = (ctypes.c_uint * 3)(*(*grid, 1, 1)[:3])
        getattr(self._library, f"run_{name}")(
            arguments, whole_grid, ctypes.c_uint(threads), ctypes.c_bool(self.falling)
        )
        fault = self._library.last_fault()
        if fault:
            raise RuntimeError(f"kernel {name}: {fault.decode()}")


@cache
def _build(files, dtype, wide, replace):
    """The shared library of some kernel files, built once per content and cached."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise RuntimeError("the kernels' numbers are tested with a C++ compiler: install g++")
    text = _translation_unit(files, replace)
    defines = sources.macros(numpy.dtype(dtype), wide)
    key = hashlib.sha256(repr((text, defines, FLAGS, compiler)).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"caffe_lite-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as draft:
            code, built = Path(draft) / "kernels.cpp", Path(draft) / "kernels.so"
            code.write_text(text)
            command = [compiler, *FLAGS, *defines, str(code), "-o", str(built)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"the kernels do not build for the host:\n{done.stderr}")
            built.replace(library)
    return library


def _translation_unit(files, replace):
    """The kernel files, each in its own namespace, and an entry point per kernel."""
    parts = [SHIM.read_text()]
    for file in files:
        text = sources.source(file)
        for old, new in replace:
            text = text.replace(old, new)
        parts.append(f"namespace file_{file} {{\n{text}\n}}")
        parts += [_entry(file, text, name) for name in sources.signatures(file)]
        parts.append("\n".join(f"#undef {name}" for name in re.findall(r"#define (\w+)", text)))
    parts.append('extern "C" const char *last_fault() { return host::fault; }')
    return "\n".join(parts)


def _entry(file, text, name):
    start = text.index(f"KERNEL {name}(")
    end = text.find("\nKERNEL ", start + 1)
    meet = "true" if _MEETS.search(text[start : end if end > 0 else None]) else "false"
    arguments = ", ".join(
        f"*({_qualified(file, parameter.ctype)} {'*' * parameter.is_array}*)a[{i}]"
        for i, parameter in enumerate(sources.signatures(file)[name])
    )
    return (
        f"static void call_{name}(void **a) {{ file_{file}::{name}({arguments}); }}\n"
        f'extern "C" void run_{name}(void **a, const unsigned *grid, unsigned threads, '
        f"bool falling) {{ host::launch(call_{name}, a, grid, threads, {meet}, falling); }}"
    )


def _qualified(file, ctype):
    return f"file_{file}::{ctype}" if ctype == "u64" else ctype
