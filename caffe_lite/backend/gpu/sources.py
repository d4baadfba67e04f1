"""The kernel files: their text with includes, compiler options, and the kernels' parameters."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy

from caffe_lite.backend.gpu.constants import MACROS

KERNELS = Path(__file__).parent / "kernels"

_INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)
_KERNEL = re.compile(r"^KERNEL (\w+)\(([^)]*)\)", re.MULTILINE)
_LIST_MACRO = re.compile(r"^#define (\w+_ARGUMENTS)\b((?:.*\\\n)*.*)$", re.MULTILINE)
_PARAMETER = re.compile(r"(?:const )?(.+?) ?(\*?)(\w+)")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel: its C type without `const`, its name, whether it is an array."""

    ctype: str
    name: str
    is_array: bool


def files() -> list[str]:
    """Names of the kernel files, without their suffix."""
    return sorted(path.stem for path in KERNELS.glob("*.cu"))


@cache
def source(file: str) -> str:
    """The text of one kernel file, with each of its includes inserted once."""
    included: set[str] = set()

    def expand(match: re.Match[str]) -> str:
        if match[1] in included:
            return ""
        included.add(match[1])
        return _INCLUDE.sub(expand, (KERNELS / match[1]).read_text(encoding="utf-8"))

    return _INCLUDE.sub(expand, (KERNELS / f"{file}.cu").read_text(encoding="utf-8"))


def macros(dtype: numpy.dtype, wide: bool = False) -> tuple[str, ...]:
    """Macros for an element type, as options; `wide` selects 64-bit indices, for huge arrays."""
    ctype = {"float32": "float", "float64": "double"}[numpy.dtype(dtype).name]
    index = "long long" if wide else "int"
    values = {"Dtype": ctype, "Index": index, **MACROS}
    return tuple(f"-D{name}={value}" for name, value in values.items())


def options(dtype: numpy.dtype, wide: bool = False) -> tuple[str, ...]:
    """All options of the run-time compiler; see `macros`."""
    return (*macros(dtype, wide), "--std=c++17")


@cache
def signatures(file: str) -> dict[str, tuple[Parameter, ...]]:
    """The parameters of each kernel in a file, read from its declaration."""
    text = source(file)
    lists = {
        match[1]: " ".join(match[2].replace("\\\n", " ").split())
        for match in _LIST_MACRO.finditer(text)
    }
    found = {}
    for name, declared in _KERNEL.findall(text):
        for macro, expansion in lists.items():
            declared = declared.replace(macro, expansion)
        found[name] = tuple(_parameter(part) for part in " ".join(declared.split()).split(","))
    return found


@cache
def file_of() -> dict[str, str]:
    """The file of each kernel."""
    return {name: file for file in files() for name in signatures(file)}


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"cannot read the kernel parameter {text!r}")
    return Parameter(match[1].strip(), match[3], bool(match[2]))
