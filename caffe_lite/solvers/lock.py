"""A lock on a snapshot prefix, so that two trainings do not overwrite each other's snapshots."""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from caffe_lite.errors import SolverError

log = logging.getLogger("caffe_lite.solver")

_mine: dict[tuple[int, str], int] = {}  # by process and path: how often a lock is held


class PrefixLock:
    """Holds the file PREFIX.lock while it is entered, with the id of this process in it.

    The system releases the lock when a process ends, however it ends, so that the file of a killed
    run is taken over. A process may hold a lock several times. With `force`, a lock that another
    process holds is ignored, and `held` is false. Raises SolverError, naming `place`, otherwise.
    """

    def __init__(self, prefix: str, place: str, force: bool = False) -> None:
        self._prefix, self._place, self._force = prefix, place, force
        self._path = os.path.realpath(f"{prefix}.lock")
        self._key = os.getpid(), self._path
        self._file: int | None = None
        self.held = False

    def __enter__(self) -> PrefixLock:
        if self._key in _mine:
            _mine[self._key] += 1
            self.held = True
            return self
        try:
            self._file = _locked(self._path)
        except BlockingIOError:
            self._refuse()
            return self
        except (OSError, ImportError) as error:  # a file system, or a system, without locks
            log.warning("%s: cannot be locked: %s", self._path, error)
            return self
        _mine[self._key] = 1
        self.held = True
        return self

    def _refuse(self) -> None:
        holder = _holder(self._path)
        text = (
            f'process {holder} trains under snapshot_prefix "{self._prefix}" and would overwrite '
            "the snapshots"
        )
        if not self._force:
            raise SolverError(
                f"{self._place}: {text}; wait for it, give another snapshot_prefix, or --force"
            )
        log.warning("%s; --force: training all the same", text)

    def __exit__(self, *_: object) -> None:
        if not self.held:
            return
        _mine[self._key] -= 1
        if _mine[self._key]:
            return
        del _mine[self._key]
        if self._file is not None:
            with suppress(OSError):
                os.unlink(self._path)
            os.close(self._file)


def _locked(path: str) -> int:
    """A descriptor of the locked file; BlockingIOError if another process holds it."""
    import fcntl

    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file between the two calls.
            if os.fstat(file).st_ino == os.stat(path).st_ino:
                os.ftruncate(file, 0)
                os.write(file, f"{os.getpid()}\n".encode())
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _holder(path: str) -> str:
    try:
        with open(path) as file:
            return file.read(20).strip() or "unknown"
    except (OSError, ValueError):
        return "unknown"
