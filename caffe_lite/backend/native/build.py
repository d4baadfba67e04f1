"""The C library compiled for this machine and kept in the user's cache.

An entry's name holds the SHA-256 of its content. It appears under that name only when it is
complete and on the disk, and is loaded only if its content still matches.
"""

import hashlib
import logging
import os
import platform
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from caffe_lite.backend import cache
from caffe_lite.backend.native.compiler import (
    COMPILERS,
    FLAGS,
    SOURCES,
    BuildError,
    ProcessGroup,
    find,
)

log = logging.getLogger("caffe_lite.backend")
MACHINE_FLAGS = (("-march=native",), ("-mcpu=native",), ())


def library(element: str) -> Path:
    """The library for `element` ("float" or "double"), compiled if the cache has no sound one.

    Raises BuildError or CacheError, whose message is one line.
    """
    compiler = find(COMPILERS)
    root = cache.cache_folder()
    if root is None:
        raise BuildError(
            "no folder for compiled code: CAFFE_LITE_CACHE is empty, or no home is set"
        )
    folder = root / "native"
    cache.open_folder(folder)
    name = f"{element}-{_fingerprint(compiler, element)}"
    for entry in _entries(folder, name):
        if not _fault(entry):
            return entry
    with cache.locked(folder):  # a process that waited here finds what the other one built
        for entry in _entries(folder, name):
            fault = _fault(entry)
            if not fault:
                return entry
            log.warning("%s; compiling it again", fault)
            with suppress(OSError):
                entry.unlink()
        return _build(compiler, element, folder, name)


def _entries(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}-*.so"))


def _fault(entry: Path) -> str | None:
    """Why an entry must not be loaded, or None."""
    try:
        reason = cache.distrust(entry)
        if reason:
            return reason
        if cache.digest(entry) != entry.stem.rpartition("-")[2]:
            return f"{entry}: damaged: its content does not match the digest in its name"
    except OSError as error:
        return f"{entry}: cannot be read: {error.strerror}"
    return None


def _build(compiler: str, element: str, folder: Path, name: str) -> Path:
    try:
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=cache.DRAFT))
        try:
            built = _compile([compiler, *FLAGS, f"-DREAL={element}"], draft)
            target = folder / f"{name}-{cache.digest(built)}.so"
            cache.publish(built, target)
            return target
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        place = error.filename or folder
        raise BuildError(f"cannot compile: {place}: {error.strerror or error}") from None


def _compile(command: list[str], folder: Path) -> Path:
    """Compile with the first of MACHINE_FLAGS that the compiler accepts."""
    for machine in MACHINE_FLAGS:
        try:
            return _compile_for(machine, command, folder)
        except BuildError as error:
            problem = error
    raise problem


def _compile_for(machine: tuple[str, ...], command: list[str], folder: Path) -> Path:
    built = folder / "library.so"
    with ProcessGroup(folder) as group:
        objects = group.compile([*command, *machine])
        group.run([*command, *machine, "-shared", *objects, "-o", str(built), "-lm"])
    built.chmod(0o700)  # whatever the umask
    return built


def _fingerprint(compiler: str, element: str) -> str:
    """Changes with everything that can change the machine code."""
    digest = hashlib.sha256(repr((element, FLAGS, MACHINE_FLAGS, platform.machine())).encode())
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]):
        digest.update(source.read_bytes())
    status = os.stat(compiler)
    digest.update(f"{compiler} {status.st_size} {status.st_mtime_ns}".encode())
    digest.update(_processor().encode())
    return digest.hexdigest()[:20]


def _processor() -> str:
    """The processor's model and instruction sets, as far as the system reports them."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    fields = ("model name", "flags", "Features", "CPU part")
    first = text.split("\n\n")[0].splitlines()
    return "\n".join(line for line in first if line.startswith(fields))
