"""The curves of a training, from its text log or from its log in JSON."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.proto.files import open_input
from caffe_lite.runs.log_lines import log_lines
from caffe_lite.runs.tables import ITERATION, RATE

TRAIN_LOSS, TEST_LOSS, LEARNING_RATE = "train loss", "test loss", "learning rate"
GRADIENT_NORM = "gradient norm"

_LOSS = re.compile(r"Iteration \d+.*, loss = (\S+)")
_TEST = re.compile(r"Testing net \(#(\d{1,18})\)")
_OUTPUT = re.compile(r"(Train|Test) net output #\d+: (.+) = (\S+?)( \(\* .* = (\S+) loss\))?$")


@dataclass
class Curve:
    """Values at iterations, with the seconds since the start of the training."""

    iterations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, iteration: int, seconds: float, value: float) -> None:
        """Add a point. A resumed run replaces what the one before it did from there on."""
        while self.iterations and self.iterations[-1] >= iteration:
            for each in (self.iterations, self.seconds, self.values):
                each.pop()
        self.iterations.append(iteration)
        self.seconds.append(seconds)
        self.values.append(value)


@dataclass
class Run:
    """The curves of one training, by name.

    `train loss` is the mean that is displayed, `test loss` the weighted sum of a test's losses;
    `learning rate`; `gradient norm` over all learned blobs, only in the log in JSON; `train: NAME`
    and `test: NAME` are outputs of the nets, those of further test nets `test: NAME #1` and so on.
    `scores` are the names of test outputs that are no losses.
    """

    path: str
    curves: dict[str, Curve] = field(default_factory=lambda: defaultdict(Curve))
    scores: list[str] = field(default_factory=list)

    def add_test(
        self, index: int, name: str, point: tuple[int, float, float], loss: float | None
    ) -> None:
        """Add a test output; `loss` is the test's weighted loss so far, None if it is no loss."""
        full = f"test: {name}" + (f" #{index}" if index else "")
        self.curves[full].add(*point)
        if loss is None:
            if full not in self.scores:
                self.scores.append(full)
        elif not index:
            self.curves[TEST_LOSS].add(*point[:2], loss)


class EventError(ValueError):
    """An event that no training writes."""


class EventCurves:
    """Adds the events of a log in JSON to the curves of a run, one by one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._start: float | None = None

    def add(self, event: Any) -> None:
        """Add what an event says. Raises EventError for one that is not of a training."""
        try:
            self._add(event)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise EventError(
                f"not an event of a training ({type(error).__name__}: {error}); take what "
                "`train --log-dir` wrote"
            ) from None

    def _add(self, event: Any) -> None:
        kind, time = event["event"], float(event["time"])
        self._start = time if self._start is None else self._start
        if kind not in ("train", "test", "final_loss", "gradients"):
            return
        point = int(event["iteration"]), time - self._start
        curves = self.run.curves
        if kind == "final_loss":
            curves[TRAIN_LOSS].add(*point, float(event["loss"]))
        elif kind == "gradients":
            curves[GRADIENT_NORM].add(*point, float(event["norm"]))
        else:
            outputs = {name: float(values[0]) for name, values in event["outputs"].items()}
            if kind == "train":
                curves[TRAIN_LOSS].add(*point, float(event["loss"]))
                curves[LEARNING_RATE].add(*point, float(event["learning_rate"]))
                for name, value in outputs.items():
                    curves[f"train: {name}"].add(*point, value)
            else:
                self._add_test(event, point, outputs)

    def _add_test(self, event: Any, point: tuple[int, float], outputs: dict[str, float]) -> None:
        weights, total = event.get("loss_weights", {}), 0.0
        for name, value in outputs.items():
            total += weights.get(name, 0.0) * value
            loss_so_far = total if name in weights else None
            self.run.add_test(int(event["test_index"]), name, (*point, value), loss_so_far)


def read_run(path: str | os.PathLike[str]) -> Run:
    """The curves of a log, of a .jsonl beside it, or of the folder of `--log-dir`.

    Raises DataError for a file that is neither, or holds no curves.
    """
    name = os.fspath(path)
    if os.path.isdir(name):
        found = [each for each in ("train.jsonl", "train.log") if os.path.exists(f"{name}/{each}")]
        if not found:
            raise DataError(f"{name}: no train.jsonl or train.log here; name the log itself")
        name = os.path.join(name, found[0])
    run = Run(name)
    (_read_json if name.endswith(".jsonl") else _read_log)(run)
    if not run.curves:
        raise DataError(f"{name}: no losses, rates or test outputs; was `display` 0?")
    return run


def _read_log(run: Run) -> None:
    iteration, index, loss = -1, 0, 0.0
    names: set[str] = set()
    for seconds, line in log_lines(run.path):
        match = ITERATION.search(line)
        if match:
            iteration = int(match[1])
        if iteration < 0 or seconds is None:
            continue
        if match := _TEST.search(line):
            index, loss, names = int(match[1]), 0.0, set()
        elif (match := _LOSS.search(line)) and (value := _number(match[1])) is not None:
            run.curves[TRAIN_LOSS].add(iteration, seconds, value)
        elif (match := RATE.search(line)) and (value := _number(match[1])) is not None:
            run.curves[LEARNING_RATE].add(iteration, seconds, value)
        elif match := _OUTPUT.search(line.rstrip()):
            value = _number(match[3])
            if value is None:
                continue
            loss += (_number(match[5]) or 0.0) if match[4] else 0.0
            if match[1] == "Train":
                run.curves[f"train: {match[2]}"].add(iteration, seconds, value)
            elif match[2] not in names:  # of an output with several values, the first
                names.add(match[2])
                point = (iteration, seconds, value)
                run.add_test(index, match[2], point, loss if match[4] else None)


def _read_json(run: Run) -> None:
    curves = EventCurves(run)
    for number, event in _events(run.path):
        try:
            curves.add(event)
        except EventError as error:
            raise DataError(f"{run.path}:{number}: {error}") from None


def _events(path: str) -> Iterator[tuple[int, Any]]:
    """Line number and event of each line; a last line that is cut short is left out."""
    with open_input(path, lambda reason: DataError(f"{path}: {reason}"), pipe=False) as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, json.loads(line)
            except ValueError:
                if line.endswith(b"\n"):
                    raise DataError(f"{path}:{number}: not a line of JSON") from None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
