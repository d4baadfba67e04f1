"""Places in one block of memory for arrays that are not all needed at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64  # bytes; a cache line, and the longest vector


@dataclass(frozen=True)
class Need:
    """An array of `size` bytes, needed from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int


def place(needs: Sequence[Need]) -> tuple[list[int], int]:
    """An offset for each need, and the size of the block. Those needed together do not overlap.

    The largest are placed first, each at the lowest offset that is free (Pisarchyk and Lee,
    Efficient Memory Management for Deep Neural Net Inference, 2020).
    """
    offsets = [0] * len(needs)
    placed: list[int] = []
    total = 0
    for i in sorted(range(len(needs)), key=lambda n: -needs[n].size):
        offset = 0
        for other in sorted(placed, key=lambda n: offsets[n]):
            if needs[other].last < needs[i].first or needs[i].last < needs[other].first:
                continue
            if offset + needs[i].size <= offsets[other]:
                break
            offset = max(offset, _aligned(offsets[other] + needs[other].size))
        offsets[i] = offset
        placed.append(i)
        total = max(total, _aligned(offset + needs[i].size))
    return offsets, total


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
