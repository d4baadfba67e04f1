"""Ctrl-C and hang-up while training: stop, snapshot, or nothing, as the user chose."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

EFFECTS = ("stop", "snapshot", "none")


class SignalRequests:
    """Turns SIGINT and SIGHUP into requests that a solver asks for between iterations.

    `effects` maps "SIGINT" and "SIGHUP" to "stop", "snapshot" or "none". A second SIGINT that comes
    before the first was answered ends the program at once. Used as a context manager; the former
    handlers come back at the end.
    """

    def __init__(self, effects: dict[str, str]) -> None:
        self._effects = {
            getattr(signal, name): effect
            for name, effect in effects.items()
            if hasattr(signal, name)
        }
        self._pending: str | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> SignalRequests:
        for number in self._effects:
            self._former[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._pending == "stop":
            raise KeyboardInterrupt
        effect = self._effects[signal.Signals(number)]
        if effect != "none":
            self._pending = effect

    def __call__(self) -> str | None:
        """The request that came since the last call: "stop", "snapshot" or None."""
        pending, self._pending = self._pending, None
        return pending
