"""Batches of a video's frames for VideoData, on the host."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from caffe_lite.data.video import decode_video
from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._annotations import Annotations, read_annotations
from caffe_lite.forks.ssd._transformer import BoxTransformer
from caffe_lite.proto import schema
from caffe_lite.types import Array, Shape, State


class VideoBatches:
    """Frames of a video file in order, `skip` left out before each that is taken.

    Images (N, C, H, W) and, with `labels`, zeros (N,). The video ends with a DataError.
    """

    def __init__(
        self, path: str, transformer: BoxTransformer, size: int, labels: bool, skip: int
    ) -> None:
        self._path, self._transformer = path, transformer
        self._size, self._labels, self._skip = size, labels, skip
        self._frames: Iterator[tuple[float, Array]] | None = None
        self._position = 0  # frames that were read
        self._first: Array | None = None
        self._before: State = {}
        self._nothing: Annotations = read_annotations(schema.AnnotatedDatum())

    def shapes(self) -> list[Shape]:
        if self._first is None:
            self._before = self.get_state()
            self._transformer.begin_batch()
            self._first = self._next()
        shapes: list[Shape] = [(self._size, *self._first.shape)]
        return [*shapes, (self._size,)] if self._labels else shapes

    def fill(self, arrays: Sequence[Array]) -> None:
        for i in range(self._size):
            image = self._next() if self._first is None else self._first
            self._first = None
            if image.shape != arrays[0].shape[1:]:
                raise DataError(f"{self._path}: its frames differ in size; give resize_param")
            arrays[0][i] = image
        if self._labels:
            arrays[1][...] = 0

    def _next(self) -> Array:
        """The next frame (C, H, W) as the net takes it."""
        for _ in range(self._skip):
            self._read()
        try:
            return self._transformer.apply(self._read(), self._nothing)[0]
        except DataError as error:
            place = f"{self._path}: "
            message = str(error)
            raise DataError(message if message.startswith(place) else place + message) from None

    def _read(self) -> Array:
        if self._frames is None:
            self._frames = decode_video(self._path)
        found = next(self._frames, None)
        if found is None:
            raise DataError(
                f"{self._path}: the video has ended after {self._position} frames; run fewer "
                "iterations"
            )
        self._position += 1
        return np.ascontiguousarray(found[1])

    def get_state(self) -> State:
        if self._first is not None:
            return self._before
        state: dict[str, Any] = {"frames": self._position}
        return state | {"transformer": self._transformer.rng.bit_generator.state}

    def set_state(self, state: State) -> None:
        self.close()
        self._first, self._position = None, 0
        while self._position < state["frames"]:
            self._read()
        self._transformer.rng.bit_generator.state = state["transformer"]

    def close(self) -> None:
        self._frames = None
