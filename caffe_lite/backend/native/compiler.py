"""Runs the C compiler on the sources beside this file.

Imports only the standard library: the wheel is built by this module too, without NumPy.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

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
TIME_LIMIT = 120  # seconds for one compiler call


class BuildError(Exception):
    """The library cannot be built; the message is one line that says why."""


def find(names: Iterable[str] = COMPILERS) -> str:
    """The path of the first compiler of these names on the PATH. Raises BuildError without one."""
    names = tuple(names)
    found = next(filter(None, map(shutil.which, names)), None)
    if os.name != "posix" or found is None:
        raise BuildError(f"no C compiler ({', '.join(names)}) on the PATH")
    return found


class ProcessGroup:
    """Runs programs that write to `folder` and end when the block or this process ends.

    They form a process group, led by a shell that reads from a pipe whose other end only
    this process holds. When this process ends, even by SIGKILL, the pipe closes and the shell kills
    the group. A compiler driver alone would leave its own children running.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Any] = []

    def __enter__(self) -> "ProcessGroup":
        self._leader = subprocess.Popen(
            ["/bin/sh", "-c", "read line; kill -KILL 0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._leader.stdin is not None:
            self._leader.stdin.close()
        self._leader.wait()
        for process in self._running:
            process.communicate()

    def compile(self, command: Sequence[str], name: str = "") -> list[str]:
        """Compile every source, several at once; returns the objects' paths, `name` in front.

        Raises BuildError with the compiler's first error.
        """
        objects = []
        for source in sorted(SOURCES.glob("*.c")):
            objects.append(str(self.folder / f"{name}{source.stem}.o"))
            self._start([*command, "-c", str(source), "-o", objects[-1]])
            if len(self._running) >= 2 * (os.cpu_count() or 1):
                self._finish_first()
        while self._running:
            self._finish_first()
        return objects

    def run(self, command: Sequence[str]) -> str:
        """Run one program to its end and return its output. Raises BuildError with its error."""
        self._start(command)
        return self._finish_first()

    def _start(self, command: Sequence[str]) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            process_group=self._leader.pid,
            env={**os.environ, "LC_ALL": "C", "TMPDIR": str(self.folder)},
        )
        self._running.append(process)

    def _finish_first(self) -> str:
        process = self._running[0]
        try:
            output, complaint = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise BuildError(f"{process.args[0]} did not finish in {TIME_LIMIT} seconds") from None
        del self._running[0]
        if process.returncode:
            lines = [line.strip() for line in complaint.splitlines() if line.strip()]
            errors = [line for line in lines if "error" in line]
            reason = (errors or lines or [f"exit status {process.returncode}"])[0]
            raise BuildError(f"{process.args[0]} failed: {reason}")
        return str(output)
