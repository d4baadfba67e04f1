"""Signals: they end a command, or make a training run stop or snapshot between iterations."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

EFFECTS = ("stop", "snapshot", "none")


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def ending_signals() -> Iterator[None]:
    """Raise `Interrupted` for SIGINT and SIGTERM, so that a command cleans up before it ends.

    A signal that the parent process ignores (nohup, a shell's background job) stays ignored. Other
    threads than the main one can't handle signals; there nothing changes.
    """
    with _handlers({signal.SIGINT: _interrupt, signal.SIGTERM: _interrupt}, keep_ignored=True):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_critical(frame):
        retry = threading.Timer(0.02, os.kill, (os.getpid(), number))
        retry.daemon = True
        retry.start()
        return
    raise Interrupted(number)


def _is_critical(frame: FrameType | None) -> bool:
    """Whether an exception now would do harm, so that the signal must wait.

    Inside an import it can leave a module half made, and importlib's callbacks print tracebacks of
    their own. While a child process starts, it would lose track of the child, which would then
    keep running.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "_execute_child":
            return True
        frame = frame.f_back
    return False


class SignalRequests:
    """Turns SIGINT, SIGTERM and SIGHUP into requests that a solver polls between iterations.

    `effects` maps names of signals to "stop", "snapshot" or "none". A second stop signal that comes
    before the first was answered raises `Interrupted` at once. Used as a context manager, which
    restores the former handlers at the end. `stopped_by` is the number of the signal that asked to
    stop, or None.
    """

    def __init__(self, effects: dict[str, str]) -> None:
        self._effects = {
            getattr(signal, name): effect
            for name, effect in effects.items()
            if hasattr(signal, name)
        }
        self._snapshot = self._stop = False
        self.stopped_by: int | None = None

    def __enter__(self) -> SignalRequests:
        self._restore = _handlers(dict.fromkeys(self._effects, self._receive))
        self._restore.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.__exit__(None, None, None)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        effect = self._effects[signal.Signals(number)]
        if effect == "stop":
            if self._stop:
                raise Interrupted(number)
            self._stop, self.stopped_by = True, number
        elif effect == "snapshot":
            self._snapshot = True

    def __call__(self) -> Literal["stop", "snapshot"] | None:
        """The next request since the last call: a snapshot comes before a stop."""
        if self._snapshot:
            self._snapshot = False
            return "snapshot"
        if self._stop:
            self._stop = False
            return "stop"
        return None


@contextmanager
def _handlers(handlers: dict[Any, Any], keep_ignored: bool = False) -> Iterator[None]:
    """Install signal handlers for a block; only the main thread can."""
    former: dict[Any, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if keep_ignored and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                former[number] = signal.signal(number, handler)
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
