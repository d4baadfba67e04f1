"""One process that runs a reader on many inputs and records what is not allowed.

A finding is: an exception other than CaffeError, or one whose text has several lines; more than
`SECONDS` of processor time; more than `MEGABYTES` and twice the input of memory. The parent sees
in the shared `Record` which input was running if the process ends or hangs.
"""

import contextlib
import hashlib
import json
import logging
import mmap
import os
import random
import resource
import struct
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from caffe_lite.errors import CaffeError

SECONDS, MEGABYTES = 2.0, 64
_HEAD = struct.Struct("<QQQdQ")  # done, refused, findings, worst seconds, length of the input
_ROOM = 4 << 20


class Record:
    """Counts and the running input of a worker, in a file that its parent maps too."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_HEAD.size + _ROOM))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def get(self) -> tuple[int, int, int, float, bytes]:
        *counts, length = _HEAD.unpack_from(self._map)
        done, refused, findings, worst = counts
        return done, refused, findings, worst, self._map[_HEAD.size : _HEAD.size + length]

    def put(self, done: int, refused: int, findings: int, worst: float) -> None:
        length = _HEAD.unpack_from(self._map)[-1]
        _HEAD.pack_into(self._map, 0, done, refused, findings, worst, length)

    def running(self, data: bytes) -> None:
        data = data[:_ROOM]
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        struct.pack_into("<Q", self._map, _HEAD.size - 8, len(data))


def save_finding(folder: Path, reader: str, data: bytes, what: str) -> None:
    """Keep an input and why it is one, under a name of its content."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{reader.replace(' ', '_')}-{hashlib.sha256(data).hexdigest()[:12]}"
    (folder / name).write_bytes(data)
    text = f"{reader}\n{what}\n"
    (folder / f"{name}.txt").write_bytes(text.encode("utf-8", "backslashreplace"))


class Worker:
    """Runs `reader` and keeps count; `resume` the counts of a worker before it."""

    def __init__(self, reader: str, record: Record, found: Path, resume: list[float]) -> None:
        from tools.fuzzing.readers import READERS
        from tools.fuzzing.seeds import SEEDS

        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        self.name = reader
        self.read: Callable[[bytes, Path], object] = READERS[reader]
        self.record, self.found = record, found
        self.done, self.refused, self.findings = map(int, resume[:3])
        self.worst = resume[3]
        self.seeds = SEEDS[reader]()
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz", dir=base)
        self.folder = Path(self._folder.name)
        for data in self.seeds:  # imports and caches take their memory now
            with contextlib.suppress(CaffeError):
                self.read(data, self.folder)
        self._memory = _peak()

    def run(self, data: bytes) -> None:
        self.record.running(data)
        seconds, what = self._attempt(data)
        grown = _peak() - self._memory
        if what is None and grown > _allowed(data):
            _reset_peak()
            self._memory = _peak()
            _, what = self._attempt(data)
            grown = _peak() - self._memory
            if grown > _allowed(data):
                what = f"{grown >> 20} MiB for {len(data)} bytes"
        if what is None and seconds > SECONDS:
            seconds = min(seconds, self._attempt(data)[0])  # the machine may have been busy
            what = f"{seconds:.1f} s for {len(data)} bytes" if seconds > SECONDS else None
        if what is not None:
            self.findings += 1
            save_finding(self.found, self.name, data, what)
        self.worst = max(self.worst, seconds)
        self.done += 1
        self.record.put(self.done, self.refused, self.findings, self.worst)

    def _attempt(self, data: bytes) -> tuple[float, str | None]:
        """Processor time of one reading, and what is wrong with it."""
        start = time.process_time()
        what = None
        try:
            self.read(data, self.folder)
        except CaffeError as error:
            self.refused += 1
            if "\n" in str(error) or len(str(error)) > 2000:
                what = f"an error of several or endless lines: {str(error)[:300]!r}"
        except Exception:
            what = traceback.format_exc()
        return time.process_time() - start, what


def _allowed(data: bytes) -> int:
    return 2 * len(data) + (MEGABYTES << 20)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _redirect(path: str) -> None:
    """Send output to a file: libraries in C write warnings about damaged files to the terminal."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def work(settings: dict[str, Any]) -> None:
    """Entry of the process: inputs `start` to `stop` of a reader."""
    from tools.fuzzing.mutate import mutated

    if not settings["verbose"]:
        _redirect(settings["record"] + ".output")
    record, found = Record(Path(settings["record"])), Path(settings["found"])
    if settings["engine"] == "atheris":
        _with_atheris(settings, record, found)
        return
    worker = Worker(settings["reader"], record, found, settings["resume"])
    for i in range(settings["start"], settings["stop"]):
        rng = random.Random(f"{settings['seed']}/{worker.name}/{i}")
        worker.run(mutated(rng.choice(worker.seeds), rng, worker.seeds))


def _with_atheris(settings: dict[str, Any], record: Record, found: Path) -> None:
    """libFuzzer's mutations, led by the coverage of this package's Python code."""
    import atheris

    with atheris.instrument_imports(include=["caffe_lite"]):
        worker = Worker(settings["reader"], record, found, settings["resume"])
    with tempfile.TemporaryDirectory() as corpus:
        for i, data in enumerate(worker.seeds):
            Path(corpus, str(i)).write_bytes(data)
        longest = 2 * max(map(len, worker.seeds)) + 8192
        count = settings["stop"] - settings["start"]
        options = [f"-runs={count}", f"-seed={settings['seed']}", f"-max_len={longest}"]
        limits = ["-timeout=600", "-rss_limit_mb=0", "-malloc_limit_mb=0", "-detect_leaks=0"]
        limits.append(f"-artifact_prefix={corpus}/")
        atheris.Setup(["fuzz", *options, *limits, corpus], worker.run)
        atheris.Fuzz()


if __name__ == "__main__":
    import sys

    work(json.loads(sys.argv[1]))
