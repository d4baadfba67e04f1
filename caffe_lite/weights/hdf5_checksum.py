"""The checksum of an HDF5 file that this package wrote: two attributes of its root.

Space for the checksum is reserved when the file is made, and filled in when the library has closed
it: it covers every byte of the file but its own.
"""

import mmap
import os
from typing import Any

import h5py
import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.weights.checksum import (
    LARGE,
    MOST_LARGE,
    ChecksumError,
    FileIdentity,
    byte_count,
    format_code,
    from_hole,
    identity_of,
    newer_format,
    pieces_of,
    to_bytes,
)
from caffe_lite.weights.mapped import MEND, MappedFile

FORMAT_VERSION, CHECKSUM = "caffe_lite_format", "caffe_lite_checksum"
_MARK = b"caffe_lite puts a checksum here "


class HDF5Checksum:
    """Reserves the attributes in `file`, a new one that holds nothing yet, and fills them in.

    `sizes` are the bytes of the arrays that will be in it.
    """

    def __init__(self, file: h5py.File, sizes: list[int]) -> None:
        large = min(sum(size >= LARGE for size in sizes), MOST_LARGE)
        size = byte_count(2 * large + 3)
        self._reserved = (_MARK * (size // len(_MARK) + 1))[:size]
        self._arrays: list[tuple[int, int]] = []
        file.attrs[FORMAT_VERSION] = np.int32(format_code())
        file.attrs[CHECKSUM] = np.frombuffer(self._reserved, np.uint8)

    def note(self, dataset: h5py.Dataset) -> None:
        """Have a dataset that has been written be a piece of its own, if it is large."""
        offset = dataset.id.get_offset()
        if offset is not None and dataset.nbytes >= LARGE and len(self._arrays) < MOST_LARGE:
            self._arrays.append((offset, dataset.nbytes))

    def fill_in(self, path: os.PathLike[str]) -> FileIdentity:
        """Write the checksum of the closed file at `path`; what names the file's contents."""
        size = len(self._reserved)
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
            hole = data.find(self._reserved)
            with memoryview(data) as view:
                stored = to_bytes(pieces_of(view, self._arrays, (hole, size)))
            data[hole : hole + size] = stored.ljust(size, b"\0")
            with memoryview(data) as view:
                return identity_of(view)


def check_hdf5(file: h5py.File, mapped: MappedFile) -> str:
    """Verify an open file against its checksum, if it has one.

    Returns "", or what to say of a file of a version that this one cannot verify. Raises ModelError
    for damage; large arrays are verified when they are read.
    """
    # Listed, because h5py takes an attribute that is damaged for one that is not there.
    names = {FORMAT_VERSION, CHECKSUM} & set(file.attrs)
    if not names:
        return ""
    try:
        if len(names) < 2:
            raise ChecksumError("a part of its checksum is missing")
        newer = newer_format(int(file.attrs[FORMAT_VERSION]))
        if newer:
            return newer
        stored = np.asarray(file.attrs[CHECKSUM]).tobytes()
        pieces, hole = from_hole(stored, mapped.size)
        if mapped.data[hole : hole + len(stored)] != stored:
            raise ChecksumError("its checksum is not where it was written")
    except ChecksumError as error:
        raise ModelError(f"{mapped.path}: damaged: {error}; {MEND}") from None
    mapped.check_pieces(pieces)
    return ""


def in_place(dataset: Any, mapped: MappedFile) -> int | None:
    """Where the values of a dataset lie in its file, if they lie there in one run as they are."""
    created = dataset.id.get_create_plist()
    if created.get_layout() != h5py.h5d.CONTIGUOUS or created.get_external_count():
        return None
    offset = dataset.id.get_offset()
    if offset is None or offset + dataset.nbytes > mapped.size:
        return None
    same = h5py.h5t.py_create(dataset.dtype) == dataset.id.get_type()
    return offset if same else None
