"""The two tables of a training log, row by row as tools/extra/parse_log.py of Caffe makes them."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from math import nan

from caffe_lite.proto.atomic import atomic_path
from caffe_lite.runs.log_lines import log_lines

ITERATION = re.compile(r"Iteration (\d{1,18})\b")
RATE = re.compile(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?)")
OUTPUT = re.compile(r"(Train|Test) net output #(\d{1,18}): (\S+) = ([.\deE+-]+)")

Row = dict[str, float]


class Table:
    """Rows with NumIters, Seconds, LearningRate and a column for each output.

    A row is complete when it has as many columns as the first, or when an output of a later
    iteration comes. The last row, if it is neither, is left out, as by Caffe's script.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._row: Row = {}

    def add(self, name: str, value: float, iteration: int, seconds: float, rate: float) -> None:
        """Add an output, read in `iteration`; `rate` is the last one before it."""
        if self._row.get("NumIters") != iteration:
            if self._row:
                self.rows.append(self._row)
            self._row = {"NumIters": float(iteration), "Seconds": seconds, "LearningRate": rate}
        self._row[name] = value
        self.close_full_row()

    def close_full_row(self) -> None:
        if self.rows and len(self._row) == len(self.rows[0]):
            self.rows.append(self._row)
            self._row = {}


def read_tables(path: str | os.PathLike[str]) -> tuple[list[Row], list[Row]]:
    """The rows of training and of testing in the log at `path`.

    Values that are not finite are left out. Raises DataError for a file that is no log.
    """
    tables = {"Train": Table(), "Test": Table()}
    iteration, rate = -1, nan
    for seconds, line in log_lines(path):
        match = ITERATION.search(line)
        if match:
            iteration = int(match[1])
        if iteration < 0 or seconds is None:
            continue
        if match := RATE.search(line):
            rate = float(match[1])
        for table, name, value in _outputs(line):
            tables[table].add(name, value, iteration, seconds, rate)
        for each in tables.values():
            each.close_full_row()
    found = [table.rows for table in tables.values()]
    for rows in found:
        if len(rows) > 1:  # no rate is logged before the first outputs
            rows[0]["LearningRate"] = rows[1]["LearningRate"]
    return found[0], found[1]


def _outputs(line: str) -> Iterator[tuple[str, str, float]]:
    match = OUTPUT.search(line)
    if match:
        try:
            yield match[1], match[3], float(match[4])
        except ValueError:  # "-", of "-nan"
            return


def write_csv(path: str | os.PathLike[str], rows: list[Row], delimiter: str = ",") -> None:
    """Write rows as Python's csv module does, with a column for each name in any of them."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    with atomic_path(path) as partial:
        partial.write_bytes(text.getvalue().encode())
