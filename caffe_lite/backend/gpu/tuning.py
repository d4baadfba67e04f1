"""Measured choices: the fastest of several ways to do one thing, found once per shape."""

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Choice = TypeVar("Choice")


class UnusableError(Exception):
    """A candidate that turned out not to work here; `run` may raise this."""


REPEATS = 3  # timed runs of each candidate, after one that is not timed


class Tuner:
    """Chooses by measuring on the device, and remembers for the process and across processes.

    `clock()` returns a mark on the device's time line, `elapsed(a, b)` the time between two marks
    and waits for the second. The choice for a shape is kept in `folder` (None: nowhere), so that
    one machine rounds the same way in every run.
    """

    def __init__(
        self,
        clock: Callable[[], Any],
        elapsed: Callable[[Any, Any], float],
        folder: Path | None = None,
    ) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._folder = folder
        self._chosen: dict[Hashable, Any] = {}
        self.enabled = True

    def choose(
        self,
        key: Hashable,
        candidates: Callable[[], Sequence[Choice]],
        run: Callable[[Choice], None],
    ) -> Choice:
        """The candidate whose `run` takes least time; the first if measuring is switched off.

        The first must always work, others may raise UnusableError.
        """
        found = self._chosen.get(key)
        if found is None:
            options = candidates()
            if len(options) == 1 or not self.enabled:
                return options[0]
            found = self._recall(key, options, run) or self._measure(key, options, run)
            self._chosen[key] = found
        return found

    def _measure(
        self, key: Hashable, candidates: Sequence[Choice], run: Callable[[Choice], None]
    ) -> Choice:
        best, least = candidates[0], float("inf")
        for candidate in candidates:
            try:
                run(candidate)
            except UnusableError:
                continue
            marks = [self._clock()]
            for _ in range(REPEATS):
                run(candidate)
                marks.append(self._clock())
            time = min(map(self._elapsed, marks, marks[1:]))
            if time < least:
                best, least = candidate, time
        self._remember(key, best)
        return best

    def _recall(
        self, key: Hashable, candidates: Sequence[Choice], run: Callable[[Choice], None]
    ) -> Choice | None:
        path = self._path(key)
        if path is None:
            return None
        try:
            name = json.loads(path.read_text(encoding="utf-8"))["choice"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        found = next((candidate for candidate in candidates if repr(candidate) == name), None)
        if found is not None:
            try:
                run(found)
            except UnusableError:
                return None
        return found

    def _remember(self, key: Hashable, choice: Any) -> None:
        path = self._path(key)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(
                json.dumps({"key": repr(key), "choice": repr(choice)}), encoding="utf-8"
            )
            draft.replace(path)
        except OSError:
            self._folder = None  # a folder that cannot be written: measure again next time

    def _path(self, key: Hashable) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"
