"""Batches of annotated images for AnnotatedData, on the host."""

from collections.abc import Callable
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from caffe_lite.data import datum
from caffe_lite.data.source import Source
from caffe_lite.data.unsized import UnsizedBatches
from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._annotations import Annotations, read_annotations
from caffe_lite.forks.ssd._transformer import BoxTransformer
from caffe_lite.forks.ssd._truths import COLUMNS
from caffe_lite.proto import schema
from caffe_lite.types import Array, State

YOLO_ROWS = 300  # objects of an image


class AnnotatedBatches(UnsizedBatches):
    """Batches of a database of AnnotatedDatum records, in key order.

    Each is images (N, C, H, W) and, with `labels`, what `stack` makes of the rows (K, 8) of each
    image's objects; or, of records without a type, their labels (N,). `typed` gives every record a
    type. Boxes differ in number, so that a batch is made when its shapes are asked for.
    """

    def __init__(
        self,
        source: Source,
        transformer: BoxTransformer,
        size: int,
        labels: bool,
        typed: bool,
        stack: Callable[[list[Array]], Array],
    ) -> None:
        super().__init__()
        self._source, self._transformer, self._stack = source, transformer, stack
        self._size, self._labels, self._typed = size, labels, typed
        self._boxed: bool | None = None  # whether the first record had a type

    def make(self) -> list[Array]:
        self._transformer.begin_batch()
        images: list[Array] = []
        labels: list[Any] = []
        for i in range(self._size):
            record = self._next()
            try:
                image, objects = self._transformer.apply(*self._decode(record))
            except DataError as error:
                raise DataError(f"{self._source.place}: {error}") from None
            if images and image.shape != images[0].shape:
                raise DataError(
                    f"{self._source.place}: comes out as {image.shape}, the batch holds "
                    f"{images[0].shape}; give resize_param or crop_size, or batch_size: 1"
                )
            images.append(image)
            labels.append(objects.rows(i) if self._boxed else record.datum.label)
        made = [np.stack(images)]
        if self._labels:
            made.append(self._stack(labels) if self._boxed else np.array(labels, np.float32))
        return made

    def _next(self) -> Any:
        """The next record, checked for its type."""
        data = self._source.next()
        try:
            record = schema.AnnotatedDatum.FromString(data)
        except DecodeError:
            record = None
        if record is None or not record.HasField("datum"):
            raise DataError(
                f"{self._source.place}: not an AnnotatedDatum message; a database of plain datums "
                "is for a Data layer"
            )
        typed = self._typed or record.HasField("type")
        self._boxed = typed if self._boxed is None else self._boxed
        if self._boxed != typed and self._labels:
            raise DataError(
                f"{self._source.place}: {'has no' if self._boxed else 'has a'} type, unlike the "
                "first record; give all records one, or set anno_type"
            )
        return record

    def _decode(self, record: Any) -> tuple[Array, Annotations]:
        color = self._transformer.color
        pixels, _ = datum.decode(record.datum, color is True, color is False, self._source.place)
        if pixels.dtype != np.uint8:
            raise DataError("images must be of bytes (0 to 255), not of float_data")
        return pixels.transpose(1, 2, 0), read_annotations(record)

    def position(self) -> State:
        return {
            "cursor": self._source.cursor,
            "transformer": self._transformer.rng.bit_generator.state,
        }

    def seek(self, state: State) -> None:
        self._source.seek(state["cursor"])
        self._transformer.rng.bit_generator.state = state["transformer"]

    def close(self) -> None:
        self._source.close()


def stack_boxes(rows: list[Array]) -> Array:
    """The boxes of all images as (1, 1, K, 8), one row of -1 without any."""
    stacked = np.concatenate([np.empty((0, COLUMNS), np.float32), *rows])
    if not len(stacked):
        stacked = np.full((1, COLUMNS), -1, np.float32)
    return stacked[None, None]


def stack_yolo(rows: list[Array], difficult: bool) -> Array:
    """YOLO's (N, 1, 300, 5): class from 0, centre, width and height, zeros behind an image's last.

    Objects that are difficult are left out without `difficult`, and so are those after the 300th.
    """
    stacked = np.zeros((len(rows), 1, YOLO_ROWS, 5), np.float32)
    for into, objects in zip(stacked[:, 0], rows, strict=True):
        chosen = objects[difficult | (objects[:, 7] == 0)][:YOLO_ROWS]
        low, high = chosen[:, 3:5], chosen[:, 5:7]
        into[: len(chosen)] = np.column_stack([chosen[:, 1] - 1, (low + high) / 2, high - low])
    return stacked
