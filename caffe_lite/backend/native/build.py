"""Compiles the C sources beside this file for the machine at hand, once per user."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from caffe_lite.backend.cache import cache_folder

SOURCES = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-O3",
    "-std=gnu11",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-pthread",
)
MACHINE_FLAGS = (("-march=native",), ("-mcpu=native",), ())
TIME_LIMIT = 120  # seconds for one compiler call


class BuildError(Exception):
    """No library for this machine, and why."""


def library(element: str) -> Path:
    """The shared library for `element` ("float" or "double"), compiled if need be."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if os.name != "posix" or compiler is None:
        raise BuildError("no C compiler (cc, gcc or clang)")
    cache = cache_folder()
    if cache is None:
        raise BuildError("CAFFE_LITE_CACHE is empty: there is no place for compiled code")
    directory = cache / "native"
    target = directory / f"{element}-{_fingerprint(compiler, element)}.so"
    if not target.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _compile(compiler, element, target)
    if target.stat().st_uid != os.getuid():
        raise BuildError(f"{target} belongs to somebody else")
    return target


def _fingerprint(compiler: str, element: str) -> str:
    """Changes with whatever could change the machine code."""
    digest = hashlib.sha256(repr((element, FLAGS, MACHINE_FLAGS, platform.machine())).encode())
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]):
        digest.update(source.read_bytes())
    status = os.stat(compiler)
    digest.update(f"{compiler} {status.st_size} {status.st_mtime_ns}".encode())
    digest.update(_processor().encode())
    return digest.hexdigest()[:20]


def _processor() -> str:
    """The processor's model and instruction sets, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    fields = ("model name", "flags", "Features", "CPU part")
    first = text.split("\n\n")[0].splitlines()
    return "\n".join(line for line in first if line.startswith(fields))


def _compile(compiler: str, element: str, target: Path) -> None:
    """Compile all sources at once and move the library into place whole."""
    problem = ""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as name:
        for machine in MACHINE_FLAGS:
            problem = _compile_in(Path(name), [compiler, *FLAGS, *machine, f"-DREAL={element}"])
            if not problem:
                os.replace(Path(name) / "library.so", target)
                return
    raise BuildError(problem)


def _compile_in(directory: Path, command: list[str]) -> str:
    """Objects in parallel, then the library; the compiler's complaint, or nothing."""
    objects, running = [], []
    for source in sorted(SOURCES.glob("*.c")):
        objects.append(str(directory / f"{source.stem}.o"))
        running.append(_start([*command, "-c", str(source), "-o", objects[-1]]))
        if len(running) >= 2 * (os.cpu_count() or 1):
            problem = _finish(running.pop(0))
            if problem:
                break
    problems = [_finish(process) for process in running]
    if not any(problems):
        link = [*command, "-shared", *objects, "-o", str(directory / "library.so"), "-lm"]
        problems.append(_finish(_start(link)))
    return next(filter(None, problems), "")


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> str:
    try:
        complaint = process.communicate(timeout=TIME_LIMIT)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1] or "the compiler did not finish"
    return complaint.strip() or "the compiler failed" if process.returncode else ""
