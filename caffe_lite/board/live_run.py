"""One training's log in JSON, read as it grows."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

from caffe_lite.board.processes import is_alive
from caffe_lite.board.thin import Points, ThinCache
from caffe_lite.runs.curves import EventCurves, EventError, Run

BLOCK = 1 << 20
SAMPLED = 1 << 21  # bytes left to read above which a sample of the lines stands in for them
SAMPLES = 400
QUIET = 60.0  # seconds without an event after which a run of an unknown process counts as killed


@dataclass
class Status:
    """Where a run is: "running", "done", "stopped", "killed" or "NaN", and how far."""

    state: str = "running"
    iteration: int = 0
    max_iter: int = 0
    last: float = 0.0  # time of the latest event, seconds since 1970
    problem: str = ""


@dataclass
class LiveRun:
    """The curves and facts of the log at `path`, which another process may be writing.

    `advance` reads what is new. While much is still unread, `curves()` has the curves of a sample
    of the lines, so that a page can be shown at once.
    """

    path: Path
    name: str
    about: dict[str, Any] = field(default_factory=dict)
    histograms: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    bad_lines: int = 0

    def __post_init__(self) -> None:
        self._forget()
        self._sample: tuple[int, Run] | None = None
        self._thin = ThinCache()

    def _forget(self) -> None:
        self.about, self.histograms, self.snapshots = {}, [], []
        self._run = Run(str(self.path))
        self._curves = EventCurves(self._run)
        self._status = Status()
        self._offset, self._inode, self._rest = 0, 0, b""

    def advance(self, seconds: float = 0.05) -> bool:
        """Read for about as long as given. Returns whether more is left.

        A file that was replaced or cut is read again from its start.
        """
        end = monotonic() + seconds
        try:
            with open(self.path, "rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode or found.st_size < self._offset:
                    self._forget()
                    self._inode = found.st_ino
                file.seek(self._offset)
                while block := file.read(BLOCK):
                    self._offset += len(block)
                    *lines, self._rest = (self._rest + block).split(b"\n")
                    for line in lines:
                        self._add(line)
                    if monotonic() > end:
                        break
                return self._offset < found.st_size
        except OSError:  # removed meanwhile; what was read stays
            return False

    def _add(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = json.loads(line)
            self._curves.add(event)
            self._note(event)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            self.bad_lines += 1

    def _note(self, event: dict[str, Any]) -> None:
        kind, status = event["event"], self._status
        status.last = float(event["time"])
        if isinstance(event.get("iteration"), int):
            status.iteration = event["iteration"]
        if kind == "about":
            self.about = event
        elif kind == "start":
            status.state, status.problem = "running", ""
            status.max_iter = int(event["max_iter"])
        elif kind == "done":
            status.state = "stopped" if event["early"] else "done"
        elif kind == "loss_not_finite":
            status.state, status.problem = "NaN", str(event["text"])
        elif kind == "histograms":
            self.histograms.append(event)
        elif kind == "snapshot":
            self.snapshots.append(event)

    def status(self) -> Status:
        """The latest status; a run whose process is gone without a last word was killed."""
        status = self._status
        if status.state == "running" and not self._is_alive():
            return Status("killed", status.iteration, status.max_iter, status.last, status.problem)
        return status

    def _is_alive(self) -> bool:
        process = self.about.get("process")
        if isinstance(process, int) and self.about.get("host") == platform.node():
            return is_alive(process)
        return time() - self._status.last < QUIET

    def curves(self) -> Run:
        """The curves so far; of a sample of the lines while much of the log is unread."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return self._run
        if size - self._offset < SAMPLED:
            self._sample = None
            return self._run
        if self._sample is None or self._sample[0] != size:
            self._sample = size, self._read_sample(size)
        return self._sample[1]

    def thinned(self, most: int) -> dict[str, Points]:
        """The curves with at most about `most` points each."""
        return self._thin(self.curves(), most)

    def _read_sample(self, size: int) -> Run:
        """Lines at even distances, and the two that follow each: displays, gradients and tests."""
        run = Run(str(self.path))
        curves = EventCurves(run)
        with open(self.path, "rb") as file:
            for k in range(SAMPLES):
                file.seek(k * size // SAMPLES)
                if k:
                    file.readline()  # the rest of a line
                for line in (file.readline() for _ in range(3)):
                    try:
                        curves.add(json.loads(line))
                    except (EventError, ValueError):
                        continue
        return run
