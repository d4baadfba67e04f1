"""The records of a store in another order in each pass, read on the host."""

from collections.abc import Iterator

import numpy as np

from caffe_lite.data.source import Source

BLOCK = 256


class ShuffledSource(Source):
    """Every record of `source` once a pass, in an order that follows from `seed` and the pass.

    A store is read in key order, so that single records cannot be fetched at random: blocks of 256
    records come in random order, and the records of a block in random order. A block is in memory.
    `cursor` counts the records of all passes.
    """

    def __init__(self, source: Source, seed: int) -> None:
        super().__init__(source.path)
        self._source, self.seed = source, seed

    def __len__(self) -> int:
        return len(self._source)

    def _read_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        """The records from `position` to the end of its pass, as (place, value)."""
        turn, first = divmod(position, len(self))
        rng = np.random.default_rng([self.seed, turn])
        for block in rng.permutation(-(-len(self) // BLOCK)):
            start = int(block) * BLOCK
            size = min(BLOCK, len(self) - start)
            order = rng.permutation(size)
            if first >= size:
                first -= size
                continue
            self._source.seek(start)
            records = [(self._source.next(), self._source.place) for _ in range(size)]
            for i in order[first:]:
                value, place = records[i]
                yield place.encode(), value
            first = 0

    def next(self) -> bytes:
        if self._records is None:
            self._records = self._read_from(self.cursor)
        record = next(self._records, None)
        if record is None:
            self._records = self._read_from(self.cursor)
            record = next(self._records)
        self.cursor += 1
        self._key = record[0]
        return record[1]

    def seek(self, position: int) -> None:
        self.cursor = position
        self._records = None

    @property
    def place(self) -> str:
        return self._key.decode()

    def close(self) -> None:
        self._source.close()
