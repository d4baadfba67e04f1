"""Tables on the device with which one launch processes many arrays of different sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from caffe_lite.backend.gpu.constants import PIECE

MOST_TABLES = 64


@dataclass(frozen=True)
class Table:
    """Assigns parts of arrays to the blocks of a launch.

    addresses  (groups, width) uint64    device addresses of each group's arrays, 0 for none
    sizes      (groups,) int64           elements in each array of a group
    owner      (blocks,) int32           the group that a block works on
    piece      (blocks,) int32           which part of it, of PIECE elements
    """

    addresses: Any
    sizes: Any
    owner: Any
    piece: Any
    blocks: int


class Tables:
    """Makes tables and caches the latest: a net needs the same few in every iteration."""

    def __init__(self, to_device: Callable[[numpy.ndarray], Any]) -> None:
        self._to_device = to_device
        self._kept: dict[tuple[Any, ...], Table] = {}

    def of(self, groups: Sequence[Sequence[Any]]) -> Table:
        """The table for groups of arrays.

        The arrays of a group have one size, and all groups have one length; None means no
        array.
        """
        key = tuple(
            (group[0].size, *(0 if array is None else array.data.ptr for array in group))
            for group in groups
        )
        table = self._kept.pop(key, None)
        if table is None:
            table = self._make(key)
        # The least recently used table is dropped first.
        self._kept[key] = table
        if len(self._kept) > MOST_TABLES:
            del self._kept[next(iter(self._kept))]
        return table

    def kept(self) -> list[Table]:
        """All cached tables, for a captured graph that must keep those it reads."""
        return list(self._kept.values())

    def _make(self, key: tuple[Any, ...]) -> Table:
        sizes = numpy.array([size for size, *_ in key], "int64")
        addresses = numpy.array([pointers for _, *pointers in key], "uint64")
        pieces = -(-sizes // PIECE)
        owner = numpy.repeat(numpy.arange(len(key), dtype="int32"), pieces)
        piece = numpy.concatenate(
            [numpy.arange(count, dtype="int32") for count in pieces] or [numpy.empty(0, "int32")]
        )
        return Table(
            self._to_device(addresses),
            self._to_device(sizes),
            self._to_device(owner),
            self._to_device(piece),
            len(owner),
        )
