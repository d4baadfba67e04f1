"""Every kernel file compiles for every architecture and element type, with or without a GPU.

NVRTC needs neither a device nor a driver. It is called directly, with the same text and options as
in the package.
"""

import ctypes
import re
import site
from pathlib import Path

import numpy
import pytest

from caffe_lite.backend.gpu import sources
from caffe_lite.backend.gpu.constants import MACROS

pytestmark = pytest.mark.slow

WANTED_ARCHITECTURES = (70, 80, 90)
CUPY_ADDS = (
    "-ftz=true",
    "--device-as-default-execution-space",
)  # besides the options that it is given


def _load_nvrtc():
    """The NVRTC library of the nvidia-cuda-nvrtc wheel, else the system's."""
    folders = [Path(folder) / "nvidia" for folder in site.getsitepackages()]
    found = [path for folder in folders for path in folder.glob("**/libnvrtc.so.*")]
    for path in sorted(found, key=lambda path: "builtins" in path.name):
        return ctypes.CDLL(str(path))
    for name in ("libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    pytest.fail("NVRTC is missing: pip install nvidia-cuda-nvrtc-cu12 (extra `test`)")


@pytest.fixture(scope="module")
def nvrtc():
    return _load_nvrtc()


def _architectures(nvrtc):
    count = ctypes.c_int()
    assert nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count)) == 0
    known = (ctypes.c_int * count.value)()
    assert nvrtc.nvrtcGetSupportedArchs(known) == 0
    return sorted({max(wanted, min(known)) for wanted in WANTED_ARCHITECTURES})


def _compile(nvrtc, text, options):
    """(error code, compiler's log, PTX) of one compilation."""
    program = ctypes.c_void_p()
    code = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None
    )
    assert code == 0
    flags = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    code = nvrtc.nvrtcCompileProgram(program, len(options), flags)
    log = _text(nvrtc, program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
    ptx = "" if code else _text(nvrtc, program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return code, log, ptx


def _text(nvrtc, program, size_of, read):
    size = ctypes.c_size_t()
    assert size_of(program, ctypes.byref(size)) == 0
    buffer = ctypes.create_string_buffer(size.value)
    assert read(program, buffer) == 0
    return buffer.value.decode()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("file", sources.files())
def test_compiles(nvrtc, file, dtype):
    variants = [(architecture, False) for architecture in _architectures(nvrtc)]
    variants.append((WANTED_ARCHITECTURES[-1], True))
    for architecture, wide in variants:
        options = (
            *sources.options(numpy.dtype(dtype), wide),
            f"--gpu-architecture=compute_{architecture}",
            *CUPY_ADDS,
        )
        code, log, ptx = _compile(nvrtc, sources.source(file), options)
        assert code == 0, f"{file} for compute_{architecture}:\n{log}"
        said = [line for line in log.splitlines() if line and "are deprecated and" not in line]
        assert not said, f"{file} for compute_{architecture} warns:\n{log}"
        for kernel in sources.signatures(file):
            assert f".entry {kernel}(" in ptx


def test_a_fault_is_found(nvrtc):
    text = sources.source("activations").replace("value <= 0", "value <= nothing")
    architecture = _architectures(nvrtc)[0]
    options = (
        *sources.options(numpy.dtype("float32")),
        f"--gpu-architecture=compute_{architecture}",
        *CUPY_ADDS,
    )
    code, log, _ = _compile(nvrtc, text, options)
    assert code != 0
    assert "nothing" in log


def test_every_kernel_has_a_name_of_its_own():
    names = [name for file in sources.files() for name in sources.signatures(file)]
    assert len(names) == len(set(names))
    assert set(names) == set(sources.file_of())
    for file in sources.files():
        assert sources.source(file).count("\nKERNEL ") == len(sources.signatures(file))


@pytest.mark.parametrize("name", MACROS)
def test_a_shared_number_is_defined_by_python_alone(name):
    text = "\n".join(sources.source(file) for file in sources.files())
    assert re.search(rf"\b{name}\b", text), f"no kernel reads {name}"
    assert not re.search(rf"#define {name}\b", text), f"{name} is defined a second time"
