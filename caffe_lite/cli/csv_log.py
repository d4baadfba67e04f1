"""The table that `train --csv` writes: a row for each display and each test."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Mapping
from time import perf_counter

from caffe_lite.cli.log_output import LogOutput
from caffe_lite.cli.scalars import scalars
from caffe_lite.errors import CaffeError, UsageError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.solvers import events as ev

log = logging.getLogger("caffe_lite.log")

FIRST = ("iteration", "phase", "seconds")  # the columns that every table begins with
OPTION = "--csv"


class CsvLog:
    """A listener for a solver: columns iteration, phase, seconds, then one for each number's name.

    `seconds` is the time since the training began. A row is on the disk as soon as it is known; the
    file is rewritten when a name comes first. With `resume` an existing table goes on, without the
    rows that are trained again. When writing fails a warning is logged, and the table ends there.
    Raises UsageError for a file that exists and may not go on.
    """

    def __init__(self, path: str, resume: bool) -> None:
        self.path = path
        self._columns = list(FIRST)
        self._began = perf_counter()
        self._ended = False
        exists = os.path.lexists(path) and not (os.path.isfile(path) and not os.path.getsize(path))
        if exists and not (resume and os.path.isfile(path)):
            raise UsageError(
                f"{OPTION} {path}: exists already; remove it or name another file (with --resume "
                "or --snapshot it goes on)"
            )
        if exists and tuple(self._header()[: len(FIRST)]) != FIRST:
            raise UsageError(f"{OPTION} {path}: is not a table of {OPTION}; name another file")
        self._output = LogOutput(path, OPTION)

    def __call__(self, event: ev.Event) -> None:
        if self._ended:
            return
        try:
            self._record(event)
        except (OSError, CaffeError) as error:
            log.warning(
                "%s: cannot be written: %s; it ends here",
                self.path,
                getattr(error, "strerror", error),
            )
            self._ended = True
            self.close()

    def _record(self, event: ev.Event) -> None:
        if isinstance(event, ev.SolvingStarted):
            self._start(event.iteration)
        found = scalars(event)
        if found is None:
            return
        row: dict[str, object] = {
            "iteration": found.iteration,
            "phase": found.phase,
            "seconds": round(perf_counter() - self._began, 3),
        }
        row |= {name if name not in FIRST else f"{name}_": v for name, v in found.values.items()}
        new = [name for name in row if name not in self._columns]
        if new or len(self._columns) == len(FIRST):
            self._columns += new
            self._rewrite(self._rows())
        self._output.write(_lines(self._columns, [row]))

    def _start(self, iteration: int) -> None:
        """Take over an existing table: its rows before `iteration`, and its time."""
        rows = [row for row in self._rows() if int(row["iteration"]) < iteration]
        if os.path.getsize(self.path):
            self._columns = self._header()
            self._rewrite(rows)
        spent = float(rows[-1]["seconds"]) if rows else 0.0
        self._began = perf_counter() - spent

    def _header(self) -> list[str]:
        with open(self.path, newline="", encoding="utf-8", errors="replace") as file:
            try:
                return next(csv.reader(file), [])
            except csv.Error:  # of a file that is no text
                return []

    def _rows(self) -> list[dict[str, str]]:
        """The whole rows of the file; a run that was killed may have left a part of one."""
        with open(self.path, newline="", encoding="utf-8", errors="replace") as file:
            whole = [line for line in file if line.endswith("\n")]
        rows = csv.DictReader(whole, restval="")
        return [row for row in rows if row["iteration"].isdecimal() and _is_number(row["seconds"])]

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        head = dict(zip(self._columns, self._columns, strict=True))
        self._output.close()
        with atomic_path(self.path) as partial:
            partial.write_bytes(_lines(self._columns, [head, *rows]))
        self._output = LogOutput(self.path, OPTION)

    def close(self) -> None:
        self._output.close()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _lines(columns: list[str], rows: list[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writerows(rows)
    return text.getvalue().encode()
