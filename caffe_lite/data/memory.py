"""Batches of arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError


class ArrayBatches:
    """Data (n, *item) and n labels, `batch_size` at a time, cyclically.

    `position` is the index of the next batch's first item. Raises DataError if shapes do not fit.
    """

    def __init__(self, data: Any, labels: Any, item: tuple[int, ...], batch_size: int) -> None:
        self.data, self.labels = np.asarray(data), np.asarray(labels).reshape(-1)
        self.batch_size, self.position = batch_size, 0
        if self.data.shape[1:] != item:
            raise DataError(
                f"data must have shape (n, {', '.join(map(str, item))}), got {self.data.shape}"
            )
        if len(self.labels) != len(self.data):
            raise DataError(
                f"needs one label per item: {len(self.data)} items, {len(self.labels)} labels"
            )
        if not len(self.data) or len(self.data) % batch_size:
            raise DataError(
                f"the number of items must be a positive multiple of batch_size "
                f"{batch_size}, got {len(self.data)}"
            )

    @classmethod
    def of_images(
        cls,
        images: Sequence[Any],
        labels: Sequence[float],
        transformer: Transformer,
        item: tuple[int, ...],
        batch_size: int,
    ) -> ArrayBatches:
        """Transform images (C, H, W) one by one; each must get the shape `item`."""
        data = np.empty((len(images), *item), np.float32)
        for image, out in zip(images, data, strict=True):
            transformer.transform(np.asarray(image), out)
        return cls(data, labels, item, batch_size)

    def next(self, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """The next data and labels, contiguous arrays of `dtype`; not copied if they are that."""
        part = slice(self.position, self.position + self.batch_size)
        self.position = part.stop % len(self.data)
        return (
            np.ascontiguousarray(self.data[part], dtype),
            np.ascontiguousarray(self.labels[part], dtype),
        )
