"""Rows of HDF5 files, as HDF5Data reads them: a text file lists them, tops name the datasets."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten
from caffe_lite.proto.hdf5_input import Hdf5Input


def listed_files(source: str | os.PathLike[str]) -> list[str]:
    """The HDF5 files listed in `source`.

    As in Caffe, paths are relative to the working directory. A file that is not there is looked up
    next to the list, so that a data folder can be used from anywhere.
    """
    name = os.fspath(source)
    files = []
    for number, line in read_lines(source, "HDF5 files"):
        found = [line, os.path.join(os.path.dirname(name), line)]
        file = next((path for path in found if os.path.isfile(path)), None)
        if file is None:
            raise DataError(
                f'{name}:{number}: no HDF5 file at "{shorten(line, 200)}"; correct the list'
            )
        files.append(file)
    return files


def read_datasets(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Read whole datasets, of one or more axes, equally many rows and any real type."""
    arrays = []
    with Hdf5Input(path, DataError, "copy it again or write it again") as file, file.reading():
        for name in names:
            arrays.append(_read_dataset(file, name))
    for name, array in zip(names, arrays, strict=True):
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f'{path}: dataset "{name}" has no rows')
        if len(array) != len(arrays[0]):
            raise DataError(
                f'{path}: "{names[0]}" has {len(arrays[0])} rows, "{name}" {len(array)}; '
                "all tops need equally many"
            )
    return arrays


def _read_dataset(file: Hdf5Input, name: str) -> np.ndarray:
    dataset = file.find(file.file, name)
    if dataset is None or not hasattr(dataset, "dtype"):
        listed = ", ".join(shorten(each) for each in sorted(file.names(file.file))) or "none"
        raise DataError(f'{file.path}: no dataset "{name}"; it has: {shorten(listed, 200)}')
    if dataset.dtype.kind not in "fiub":
        raise DataError(f'{file.path}: dataset "{name}" is not numeric; store floats')
    file.check(dataset)
    return np.asarray(dataset[()])


class Hdf5Source:
    """Rows in the order of the files, cyclically.

    With `shuffle`, each pass shuffles the files, and the rows within each. Batches continue across
    file boundaries, so every row comes once per pass. One file at a time is in memory, in its
    stored type.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        tops: Sequence[str],
        rng: np.random.Generator,
        shuffle: bool = False,
    ) -> None:
        self.tops = list(tops)
        self.rng = rng
        self.shuffle = shuffle
        self.files = listed_files(source)
        self._order = list(range(len(self.files)))
        self._arrays: list[np.ndarray] = []
        self._loaded = -1
        self.row_shapes: list[tuple[int, ...]] = []
        if shuffle:
            rng.shuffle(self._order)
        self._enter(0)

    def _enter(self, position: int) -> None:
        """Move to the first row of the file at `position` in this pass's order."""
        self._position = position
        self._row = 0
        self._load(self._order[position])
        self._before_rows = self.rng.bit_generator.state
        self._rows = self.rng.permutation(len(self._arrays[0])) if self.shuffle else None

    def _load(self, index: int) -> None:
        if index == self._loaded:
            return
        self._arrays = []  # frees the last file's memory before the next is read
        self._loaded = -1
        path = self.files[index]
        arrays = read_datasets(path, self.tops)
        shapes = [array.shape[1:] for array in arrays]
        self.row_shapes = self.row_shapes or shapes
        for top, shape, first in zip(self.tops, shapes, self.row_shapes, strict=True):
            if shape != first:
                raise DataError(
                    f'{path}: rows of "{top}" have shape {shape}, those of the first file '
                    f"{first}; all listed files must agree"
                )
        self._arrays, self._loaded = arrays, index

    def fill(self, batch: Sequence[np.ndarray]) -> None:
        """Write the next rows into the arrays of `batch`, one per top, (rows, *row_shape) each."""
        wanted, done = len(batch[0]), 0
        while done < wanted:
            if self._row == len(self._arrays[0]):
                self._next_file()
            count = min(wanted - done, len(self._arrays[0]) - self._row)
            rows = slice(self._row, self._row + count)
            for out, array in zip(batch, self._arrays, strict=True):
                self._copy(array, rows, out[done : done + count])
            self._row += count
            done += count

    def _copy(self, array: np.ndarray, rows: slice, out: np.ndarray) -> None:
        if self._rows is None:
            out[...] = array[rows]
        elif array.dtype == out.dtype:
            array.take(
                self._rows[rows], axis=0, out=out, mode="clip"
            )  # mode="raise" would make a copy
        else:
            out[...] = array[self._rows[rows]]

    def _next_file(self) -> None:
        position = self._position + 1
        if position == len(self.files):
            position = 0
            if self.shuffle:
                self.rng.shuffle(self._order)
        self._enter(position)

    def get_state(self) -> dict[str, Any]:
        """The position and the random state, as plain numbers, lists and dicts."""
        return {
            "order": list(self._order),
            "position": self._position,
            "row": self._row,
            "rng_before_rows": self._before_rows,
            "rng": self.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned; the listed files must be the same."""
        if sorted(state["order"]) != list(range(len(self.files))):
            raise DataError(
                f"the saved state is of {len(state['order'])} HDF5 files, the list now has "
                f"{len(self.files)}; restore the list, or start a new run"
            )
        self._order = list(state["order"])
        self.rng.bit_generator.state = state["rng_before_rows"]
        self._enter(state["position"])
        self._row = min(state["row"], len(self._arrays[0]))
        self.rng.bit_generator.state = state["rng"]
