"""A plan: the steps of an experiment, the data that it needs, and the table that it fills."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Scores = dict[str, float]

REHEARSAL = (
    "A rehearsal (--quick) is on moving digits with small nets: its numbers show that all steps "
    "work and that the nets learn, and cannot be compared with the paper's."
)


@dataclass(frozen=True)
class Step:
    """One command of this package, and what is made before it.

    `words` are the command's words. It runs in `folder`, which is made first, with `variables`
    added to the environment. Its output goes to the file `output`, from which `read` takes the
    scores. Before it, `make` writes files that it needs; `settings` describe these. Without `words`
    the step is `make` alone.
    """

    name: str
    folder: Path
    words: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    make: Callable[[], None] | None = None
    settings: str = ""
    output: Path | None = None
    read: Callable[[Any], Scores] | None = None

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "caffe_lite", *self.words]

    @property
    def identity(self) -> str:
        """Equal for two steps that do the same."""
        return json.dumps([self.words, dict(self.variables), str(self.folder), self.settings])


@dataclass(frozen=True)
class Needed:
    """Data that an experiment reads, and where to get it."""

    path: Path
    source: str


@dataclass(frozen=True)
class Cell:
    """A number of the table: score `score` of step `step`, times `scale`, beside the paper's."""

    row: str
    column: str
    step: str
    score: str
    paper: float | None = None
    scale: float = 1.0
    places: int = 1


@dataclass(frozen=True)
class Plan:
    """An experiment: what it needs, does and shows. `note` says what the paper's numbers are."""

    title: str
    note: str
    needed: tuple[Needed, ...]
    steps: tuple[Step, ...]
    cells: tuple[Cell, ...]
