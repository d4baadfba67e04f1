"""What weights files and solver states hold: blobs that are read when they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.types import Array, State
from caffe_lite.weights.checksum import FileIdentity

if TYPE_CHECKING:
    from caffe_lite.weights.crc import Sums


class StoredBlob:
    """One blob of a weights file.

    `legacy` marks a shape written as num, channels, height and width: a blob of fewer than four
    axes has it with leading ones.
    """

    shape: tuple[int, ...]
    legacy = False

    @property
    def count(self) -> int:
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values as `array` gives them."""
        raise NotImplementedError

    def array(self) -> Array:
        """The values as a host array of `shape`, in the file's own type; not to be written to."""
        raise NotImplementedError

    def read_into(self, out: Array) -> None:
        """Write the values into `out`, a C-contiguous NumPy array of as many elements."""
        raise NotImplementedError

    def safe(self) -> StoredBlob:
        """This blob, or a copy of it in memory if reading it could find it damaged."""
        return self

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a net's blob of this shape may take the values."""
        if self.legacy:
            return (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape

    def copy_to(self, blob: Blob) -> None:
        """Set `blob.data`; on the CPU straight from the file into the blob's memory."""
        if blob.ops.xp is np:
            blob.overwrite(self.read_into)
        else:
            blob.load(self.array().reshape(blob.shape))


class ArrayBlob(StoredBlob):
    """A blob that has been read, or comes from memory."""

    def __init__(self, values: Array, legacy: bool = False) -> None:
        self.values, self.shape, self.legacy = values, values.shape, legacy

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.values.dtype)

    def array(self) -> Array:
        return self.values

    def read_into(self, out: Array) -> None:
        out[...] = self.values.reshape(out.shape)


class Weights(Mapping[str, list[Any]]):
    """The learned blobs of a weights file by layer name: `weights["conv1"][0]` is an array.

    Arrays are read-only, and views of the file where its layout allows that. `stored` holds the
    same blobs unread, `file` is the MappedFile that they are in, and
    `dialect` names its form. An HDF5 file leaves out blobs that
    a layer shares with an earlier one; they are None.
    """

    def __init__(
        self,
        path: str,
        stored: dict[str, list[StoredBlob | None]],
        file: Any,
        dialect: str,
        sparse: bool = False,
        definition: str | None = None,
        sums: Sums | None = None,
    ) -> None:
        self.path = path
        self.stored = stored
        self.file, self.dialect = file, dialect
        self.sparse = sparse  # shared blobs may be left out
        self.definition = definition  # prototxt that is beside the blobs; None: not looked for
        self.sums = sums  # CRC-32s, in formats that have one for each blob

    @property
    def checked(self) -> bool:
        """Whether the file has checksums."""
        return bool(self.file.checked or self.sums)

    def verify(self) -> None:
        """Verify all that has not been read yet against the file's checksum, if it has one.

        Raises ModelError for damage. Values that are read are verified without this, except those
        of formats that have a CRC-32 for each blob.
        """
        self.file.verify()
        if self.sums is not None:
            self.sums.verify()

    def __getitem__(self, layer: str) -> list[Any]:
        return [blob and blob.array() for blob in self.stored[layer]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    def __contains__(self, layer: object) -> bool:
        return layer in self.stored

    def __repr__(self) -> str:
        return f"Weights({self.path!r}, {len(self)} layers)"


@dataclass
class SolverState:
    """What a solver state file holds; `extra` and `weights` are None in one that Caffe wrote.

    `weights` names the contents of the weights file, whose path is `learned_net`. `checked` says
    whether the file has a checksum, which was verified. `minimum_loss` and `iter_last_event` are
    those of the policy plateau, None and 0 in a file of another policy.
    """

    iteration: int = 0
    learned_net: str | None = None
    current_step: int = 0
    history: list[StoredBlob] = field(default_factory=list)
    extra: State | None = None
    weights: FileIdentity | None = None
    checked: bool = False
    minimum_loss: float | None = None
    iter_last_event: int = 0
