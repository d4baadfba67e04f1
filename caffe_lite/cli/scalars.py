"""The numbers in a solver's events by name: what tables and TensorBoard record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from caffe_lite.solvers import events as ev


@dataclass(frozen=True)
class Scalars:
    """Numbers of one iteration; `phase` is "train", "test", or "test 1" for the second test net."""

    iteration: int
    phase: str
    values: dict[str, float]


def scalars(event: ev.Event) -> Scalars | None:
    """The numbers of a display or a test; None for other events.

    An output keeps its name, with [0], [1], ... if it has several values. `mean_loss` is the loss
    that the log shows: the mean over `average_loss` iterations, or of a test with
    test_compute_loss.
    """
    if isinstance(event, ev.IterationDisplayed):
        own = {"mean_loss": event.loss, "learning_rate": event.learning_rate}
        return Scalars(event.iteration, "train", own | _by_name(event.outputs))
    if isinstance(event, ev.TestDone):
        own = {} if event.loss is None else {"mean_loss": event.loss}
        phase = f"test {event.test_index}" if event.test_index else "test"
        return Scalars(event.iteration, phase, own | _by_name(event.outputs))
    return None


def _by_name(outputs: Sequence[ev.Output]) -> dict[str, float]:
    count = Counter(output.name for output in outputs)
    seen: Counter[str] = Counter()
    values = {}
    for output in outputs:
        name = output.name
        values[name if count[name] == 1 else f"{name}[{seen[name]}]"] = output.value
        seen[name] += 1
    return values
