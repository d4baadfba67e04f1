"""Other processes of this machine: whether a training is alive, and signals to it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from caffe_lite.errors import CaffeError

SIGNALS = {"stop": "SIGINT", "snapshot": "SIGHUP"}


def is_alive(process: int) -> bool:
    """Whether a process with this id exists and has not ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or _state(state) not in ("Z", "X")


def _state(path: Path) -> str:
    try:
        return path.read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"


def ask(process: int, what: str, solver: str) -> None:
    """Send the signal for "stop" or "snapshot" to a training of `solver`, a path.

    Raises CaffeError if the process is not one: its id may have been given to another program.
    """
    name = SIGNALS[what]
    if not hasattr(signal, name):
        raise CaffeError(f"this system has no {name}, so a run cannot be asked to {what}")
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        raise CaffeError(f"process {process} is not running") from None
    given = {os.fsdecode(word).rpartition("=")[2] for word in words}
    names = {os.path.basename(each) for each in given}
    if "train" not in given or os.path.basename(solver) not in names:
        raise CaffeError(f"process {process} is not a training of {solver}")
    os.kill(process, getattr(signal, name))
