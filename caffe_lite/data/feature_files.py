"""Features of images written row by row, in the forms that extract_features offers.

LMDB and LevelDB hold what Caffe's tool writes: a Datum with float_data for each image, under its
number. HDF5 has one dataset of rows, named after the blob. An .npy file is one array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import IO

import numpy as np

from caffe_lite.data.hdf5_writer import RowWriter
from caffe_lite.data.writers import BACKENDS, new_database
from caffe_lite.errors import DataError
from caffe_lite.proto import schema
from caffe_lite.proto.atomic import atomic_path

FORMS = (*BACKENDS, "hdf5", "npy")
_FLOAT_DATA_TAG = np.frombuffer(b"\x35", np.uint8)  # field 6, four bytes

Write = Callable[[np.ndarray], None]


def feature_datum(values: np.ndarray) -> bytes:
    """The Datum of one image's features (C, H, W) float32, serialized: no label, as in Caffe."""
    channels, height, width = values.shape
    head: bytes = schema.Datum(channels=channels, height=height, width=width).SerializeToString()
    field = np.empty((values.size, 5), np.uint8)
    field[:, 0] = _FLOAT_DATA_TAG
    field[:, 1:] = values.astype("<f4").reshape(-1, 1).view(np.uint8)
    return head + field.tobytes()


@contextmanager
def new_features(path: str, form: str, blob: str, batches: int) -> Iterator[Write]:
    """Yield a function that writes a batch of rows (N, ...); it is called `batches` times.

    `form` is one of FORMS. The file or database appears when the block ends; if it raises, nothing
    is left. Raises DataError for batches that do not fit each other.
    """
    if form in BACKENDS:
        with new_database(path, form) as database:
            count = 0

            def put(rows: np.ndarray) -> None:
                nonlocal count
                for row in rows.reshape(_datum_shape(rows, blob)):
                    database.put_under(b"%010d" % count, feature_datum(row))
                    count += 1

            yield put
    elif form == "hdf5":
        with atomic_path(path) as partial, closing(RowWriter(partial)) as writer:
            yield lambda rows: writer.append(**{blob: rows})
    else:
        with atomic_path(path) as partial, open(partial, "wb") as file:
            yield _Array(path, file, batches).write


def _datum_shape(rows: np.ndarray, blob: str) -> tuple[int, int, int, int]:
    """The shape with four axes that Caffe gives a blob: ones are appended."""
    if rows.ndim > 4:
        raise DataError(f'blob "{blob}" has shape {rows.shape}; a Datum has at most 4 axes')
    n, channels, height, width = (*rows.shape, 1, 1, 1, 1)[:4]
    return n, channels, height, width


class _Array:
    """An .npy file of as many rows as `batches` of the first batch's size."""

    def __init__(self, path: str, file: IO[bytes], batches: int) -> None:
        self._path, self._file, self._batches = path, file, batches
        self._shape: tuple[int, ...] = ()

    def write(self, rows: np.ndarray) -> None:
        if not self._shape:
            self._shape = rows.shape
            head = {
                "descr": np.lib.format.dtype_to_descr(rows.dtype),
                "fortran_order": False,
                "shape": (len(rows) * self._batches, *rows.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(self._file, head)
        if rows.shape != self._shape:
            raise DataError(
                f"{self._path}: a batch has shape {rows.shape}, the first {self._shape}; an .npy "
                "file needs batches of one size, use hdf5 or lmdb"
            )
        self._file.write(rows.tobytes())
