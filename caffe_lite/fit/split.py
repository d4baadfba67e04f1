"""Images divided into those to train, to validate and to test with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caffe_lite.data.image_records import Entry
from caffe_lite.fit.collection import Collection

_BATCH = 100  # images of a batch of the validation net, at most


@dataclass(frozen=True)
class Split:
    """The three parts; whole batches of `batch` images validate."""

    train: list[Entry]
    val: list[Entry]
    test: list[Entry]
    batch: int

    @property
    def batches(self) -> int:
        return len(self.val) // self.batch


def split(images: Collection, shares: tuple[float, float], seed: int) -> Split:
    """Divide each class by `shares`, those of validation and test; at least one image each.

    The order of training is shuffled, all by `seed`. A few images more train, so that whole batches
    validate.
    """
    rng = np.random.default_rng(seed)
    train: list[Entry] = []
    val: list[Entry] = []
    test: list[Entry] = []
    for label in range(len(images.classes)):
        entries = images.of_class(label)
        order = [entries[i] for i in rng.permutation(len(entries))]
        counts = [max(1, round(share * len(order))) for share in shares]
        while sum(counts) >= len(order):
            counts[counts.index(max(counts))] -= 1
        val += order[: counts[0]]
        test += order[counts[0] : sum(counts)]
        train += order[sum(counts) :]
    val = [val[i] for i in rng.permutation(len(val))]
    batch = min(len(val), _BATCH)
    spare = len(val) % batch
    train += val[len(val) - spare :] if spare else []
    train = [train[i] for i in rng.permutation(len(train))]
    return Split(train, val[: len(val) - spare], test, batch)
