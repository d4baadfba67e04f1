"""A matrix of scores in a file, filled row by row, so that a run that was stopped can continue."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath


class ScoreFile:
    """`matrix`, (rows, columns) float64 in the .npy file `path`; rows not yet scored are NaN.

    FILE.json beside it holds a hash of `made_from`, whatever determines the scores. Raises
    DataError for a file that was made from something else or cannot be written.
    """

    def __init__(self, path: StrPath, shape: tuple[int, int], made_from: Iterable[object]) -> None:
        self.path = Path(path)
        digest = hashlib.sha1(usedforsecurity=False)
        for each in made_from:
            digest.update(repr(each).encode(errors="replace"))
        note = {"shape": list(shape), "made_from": digest.hexdigest()}
        beside = self.path.with_name(f"{self.path.name}.json")
        try:
            if not self.path.exists():
                np.lib.format.open_memmap(self.path, "w+", np.float64, shape)[...] = np.nan
                with atomic_path(beside) as partial:
                    partial.write_text(json.dumps(note))
            elif not beside.exists() or json.loads(beside.read_text()) != note:
                raise DataError(
                    f"{self.path}: was made from other images, captions, weights or options; "
                    "remove it, or name another file"
                )
            self.matrix = np.load(self.path, mmap_mode="r+")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{os.fspath(path)}: cannot be used for scores: {reason}") from None

    @property
    def done(self) -> int:
        """The number of rows scored, from the first on."""
        return int(np.logical_and.accumulate(~np.isnan(self.matrix).any(axis=1)).sum())

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write rows from `first` on; they are on disk when this returns."""
        self.matrix[first : first + len(rows)] = rows
        self.matrix.flush()
