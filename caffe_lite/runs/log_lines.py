"""The lines of a training log with their times."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from caffe_lite.errors import DataError
from caffe_lite.proto.files import open_input

_STAMP = re.compile(r"[A-Z](\d{4})?(\d\d)(\d\d) +(\d\d):(\d\d):(\d\d)\.(\d{1,6})")


class Clock:
    """Turns the stamps of glog, which have no year, into times.

    The first year is that of the file; after December comes the next one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._year = datetime.fromtimestamp(os.path.getctime(path)).year
        self._month = 0

    def read(self, line: str) -> datetime | None:
        """The time of a line, or None if it does not begin as a line of the log."""
        match = _STAMP.match(line)
        if match is None:
            return None
        year, month, *rest, fraction = match.groups()
        if int(month) < self._month:
            self._year += 1
        self._month = int(month)
        day, hour, minute, second = map(int, rest)
        for back in range(5):  # a file copied later may have the 29th of February of another year
            date = int(year or self._year) - back, int(month), day
            with suppress(ValueError):
                moment = datetime(*date, hour, minute, second, int(fraction))
                self._year -= back
                return moment
        return None


def log_lines(path: str | os.PathLike[str]) -> Iterator[tuple[float | None, str]]:
    """Seconds since the start of the training and text of each line after the start.

    The start is the first line with "Solving" in it; lines that do not begin with a time have None.
    Raises DataError for a file that cannot be read or has no start.
    """
    name = os.fspath(path)
    clock, start = Clock(path) if os.path.exists(path) else None, None
    with open_input(path, lambda reason: DataError(f"{name}: {reason}"), pipe=False) as file:
        for line in file:
            text = line.decode(errors="replace")
            if clock is None or (start is None and "Solving" not in text):
                continue
            moment = clock.read(text)
            if start is None:
                start = moment
            elif moment is None:
                yield None, text
            else:
                yield (moment - start).total_seconds(), text
    if start is None:
        raise DataError(f'{name}: no line "... Solving ..." with a time; not a log of a training')
