"""Chooses the fastest of several implementations by measuring them, once per shape."""

import hashlib
import json
import logging
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from caffe_lite.backend import cache

log = logging.getLogger("caffe_lite.backend")
Choice = TypeVar("Choice")


class UnusableError(Exception):
    """Raised by `run` for a candidate that does not work here."""


REPEATS = 3  # timed runs of each candidate, after one that is not timed


class Tuner:
    """Chooses by measuring on the device, and keeps the choices for this process and later ones.

    `clock()` records an event on the device; `elapsed(a, b)` waits for event b and returns the time
    between both. Choices are kept in `folder`, a direct subfolder of the cache (None: not at all),
    so that one machine rounds the same way in every run.
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
        self._opened = False
        self._chosen: dict[Hashable, Any] = {}
        self.enabled = True

    def choose(
        self,
        key: Hashable,
        candidates: Callable[[], Sequence[Choice]],
        run: Callable[[Choice], None],
    ) -> Choice:
        """The candidate whose `run` takes least time; the first one if `enabled` is false.

        `run` must work for the first candidate and may raise UnusableError for others.
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
            if cache.distrust(path):
                return None
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
        text = json.dumps({"key": repr(key), "choice": repr(choice)})
        try:
            cache.write(path, text.encode())
        except OSError as problem:
            self._keep_nothing(f"{path}: cannot be written: {problem.strerror}")

    def _path(self, key: Hashable) -> Path | None:
        """The file of the choice for `key`, or None if choices are not kept."""
        if self._folder is not None and not self._opened:
            self._opened = True
            try:
                cache.open_folder(self._folder)
            except cache.CacheError as problem:
                self._keep_nothing(str(problem))
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"

    def _keep_nothing(self, reason: str) -> None:
        log.warning("measured choices are not kept: %s", reason)
        self._folder = None
