"""Rows appended to the datasets of an HDF5 file."""

import os
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.proto.hdf5_file import Target


class RowWriter:
    """Create the HDF5 file at `path` and append rows to named datasets until `close`.

    After every `append` the file on disk is whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import h5py

        self.name = os.fspath(path)
        try:
            self._target = Target(path)
        except OSError as error:
            raise DataError(f"{self.name}: cannot be created: {error}") from None
        self._file: Any = h5py.File(self._target, "w")

    def append(self, **rows: np.ndarray) -> None:
        """Add rows (n, ...) to each named dataset; created at the first call."""
        for name, values in rows.items():
            self._append(name, values)
        self._file.flush()
        if self._target.error is not None:
            raise DataError(f"{self.name}: cannot be written: {self._target.error}")

    def _append(self, name: str, values: np.ndarray) -> None:
        if name not in self._file:
            self._file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]))
            return
        dataset = self._file[name]
        if dataset.shape[1:] != values.shape[1:]:
            raise DataError(
                f'{self.name}: rows of "{name}" have shape {values.shape[1:]}, those '
                f"before {dataset.shape[1:]}; all rows must agree"
            )
        count = len(dataset)
        dataset.resize(count + len(values), axis=0)
        dataset[count:] = values

    def close(self) -> None:
        self._file.close()
        self._target.close()
