"""Compiles the C library for several instruction sets into one shared object.

Each variant is linked into one relocatable object, in which `objcopy` makes all but the public
functions local and gives those a prefix: `gemm` becomes `float_avx2_gemm`. The vector width is a
constant of each variant, as in a library compiled for one machine, so the same code runs.
"""

import importlib.util
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "caffe_lite" / "backend" / "native"
ELEMENTS = ("float", "double")
AVX2 = ("-mavx2", "-mfma")
LEVELS = {  # by the names that levels.c returns
    "baseline": (),
    "avx2": AVX2,
    "avx512": (*AVX2, *(f"-mavx512{part}" for part in ("f", "cd", "bw", "dq", "vl"))),
}


def _load(name: str) -> ModuleType:
    """A module of the package, by its path: importing the package would need NumPy."""
    path = NATIVE / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"native_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compiler, signatures = _load("compiler"), _load("signatures")
BuildError = compiler.BuildError


def build(target: Path) -> str:
    """Compile all variants into the shared object `target`.

    Returns what `objdump` prints of its headers: the libraries and symbol versions that it needs.
    Raises BuildError, whose message is one line.
    """
    cc = compiler.find()
    objdump = _tool("objdump")
    with tempfile.TemporaryDirectory() as name, compiler.ProcessGroup(Path(name)) as group:
        variants = [_variant(cc, group, element, level) for element in ELEMENTS for level in LEVELS]
        levels = str(Path(__file__).with_name("levels.c"))
        shared = [cc, "-O2", "-fPIC", "-shared", "-pthread", "-Wl,-s", levels, *variants]
        group.run([*shared, "-o", str(target), "-lm"])
        return str(group.run([objdump, "-p", str(target)]))


def _variant(cc: str, group: Any, element: str, level: str) -> str:
    """One relocatable object whose public functions have the prefix `<element>_<level>_`."""
    objcopy = _tool("objcopy")
    prefix = f"{element}_{level}_"
    command = [cc, *compiler.FLAGS, *LEVELS[level], f"-DREAL={element}"]
    variant = str(group.folder / f"{element}_{level}.o")
    objects = group.compile(command, prefix)
    group.run([cc, "-r", "-nostdlib", *objects, "-o", variant])
    renames = group.folder / f"{element}_{level}.names"
    renames.write_text("".join(f"{name} {prefix}{name}\n" for name in signatures.SIGNATURES))
    group.run([objcopy, "--localize-hidden", f"--redefine-syms={renames}", variant])
    return variant


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"llvm-{name}")
    if found is None:
        raise BuildError(f"no {name} on the PATH")
    return found
