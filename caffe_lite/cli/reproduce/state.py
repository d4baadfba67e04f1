"""What a reproduction has done, in a JSON file that is replaced as a whole after each step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from caffe_lite.cli.reproduce.plan import Scores, Step
from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_path


class State:
    """The finished steps in the file `path`, with their times in seconds and their scores.

    A step counts as done if it was the same command; after an option was changed it runs again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, dict[str, Any]] = {}
        if path.exists():
            try:
                self.done = json.loads(path.read_text())["done"]
                for each in self.done.values():
                    each["identity"], each["seconds"], each["scores"]
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                raise DataError(
                    f"{path}: is not the state of a reproduction; remove it to begin again"
                ) from None

    def has(self, step: Step) -> bool:
        return self.done.get(step.name, {}).get("identity") == step.identity

    def finish(self, step: Step, seconds: float, scores: Scores) -> None:
        self.done[step.name] = {
            "identity": step.identity,
            "seconds": round(seconds, 1),
            "scores": scores,
        }
        with atomic_path(self.path) as partial:
            partial.write_text(json.dumps({"done": self.done}, indent=1) + "\n")

    def score(self, step: str, name: str) -> float | None:
        """A score of a finished step, or None."""
        return self.done.get(step, {}).get("scores", {}).get(name)
