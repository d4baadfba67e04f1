"""The runs in a folder: every `train.jsonl` below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from caffe_lite.board.live_run import LiveRun
from caffe_lite.errors import UsageError

LOG = "train.jsonl"
DEEPEST = 6  # folders below the one that was given
MOST = 500


class Runs:
    """The runs below `root` by name, the path of their folder; `refresh` finds new ones.

    Raises UsageError if `root` is no folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise UsageError(f"{os.fspath(root)}: no such folder; name one that holds runs")
        self.by_name: dict[str, LiveRun] = {}

    def refresh(self) -> None:
        """Add runs that appeared and drop those whose log is gone.

        `by_name` is replaced, not changed: another thread may be reading it.
        """
        self.by_name = {
            name: self.by_name.get(name) or LiveRun(path, name)
            for name, path in sorted(self._found())
        }

    def _found(self) -> Iterator[tuple[str, Path]]:
        count = 0
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            depth = len(here.relative_to(self.root).parts)
            folders[:] = sorted(f for f in folders if not f.startswith(".")) * (depth < DEEPEST)
            if LOG in files and count < MOST:
                count += 1
                yield here.relative_to(self.root).as_posix(), here / LOG

    def file(self, run: LiveRun, name: str) -> Path | None:
        """The file `name` in the run's folder; None if there is none, or it lies outside."""
        folder = run.path.parent.resolve()
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder) and folder.is_relative_to(self.root)
        return path if inside and path.is_file() else None
