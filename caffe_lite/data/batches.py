"""Batches for data layers: their sources, and a reader that prefetches them."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from caffe_lite.data import datum
from caffe_lite.data.hdf5 import Hdf5Source
from caffe_lite.data.image_list import ImageList
from caffe_lite.data.images import read_image
from caffe_lite.data.prefetch import Prefetcher
from caffe_lite.data.source import Source
from caffe_lite.data.transformer import Transformer
from caffe_lite.errors import DataError

log = logging.getLogger("caffe_lite.data")

Shape = tuple[int, ...]
Item = tuple[np.ndarray, Any]  # an image (C, H, W) and its label or labels


class Batches(Protocol):
    """A source of batches, each a list of arrays, one per top."""

    def shapes(self) -> list[Shape]:
        """Shapes of the next batch's arrays."""

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        """Write the next batch into `arrays` of those shapes."""

    def get_state(self) -> dict[str, Any]:
        """The position and the random state, as plain numbers, lists and dicts."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""

    def close(self) -> None:
        """Close files."""


class Memory(Protocol):
    """Host memory for batches, from which a device may copy asynchronously."""

    def empty(self, shape: Shape, dtype: Any) -> np.ndarray:
        """A new array with undefined content."""

    def wait(self, array: np.ndarray) -> None:
        """Wait until no device copies from `array`."""


class BatchReader:
    """Batches made by a background thread, up to `depth` ahead, in a ring of reused buffers.

    `dtype` is the element type of all arrays of a batch, or a tuple of one for each. `shapes` are
    those of the first batch. `get_state` is the position after the last consumed batch, regardless
    of what was read ahead. The thread starts with the first `get`.
    """

    def __init__(self, source: Batches, dtype: Any, memory: Memory, depth: int = 4) -> None:
        self.source = source
        self.shapes = source.shapes()
        self._dtypes = dtype if isinstance(dtype, tuple) else (dtype,) * len(self.shapes)
        self._memory, self._depth = memory, max(1, depth)
        self._start(source.get_state())

    def _start(self, state: dict[str, Any]) -> None:
        # Of the prefetcher's batches at most depth + 2 are in use at a time.
        self._ring: list[list[np.ndarray]] = [[] for _ in range(self._depth + 2)]
        self._next = 0
        self._ahead = Prefetcher(self._make, self._depth, state)

    def _make(self) -> tuple[list[np.ndarray], dict[str, Any]]:
        shapes, arrays = self.source.shapes(), self._ring[self._next]
        if [array.shape for array in arrays] != shapes:
            arrays[:] = map(self._memory.empty, shapes, self._dtypes)
        for array in arrays:
            self._memory.wait(array)
        self.source.fill(arrays)
        self._next = (self._next + 1) % len(self._ring)
        return arrays, self.source.get_state()

    def get(self) -> list[np.ndarray]:
        """The next batch; its arrays are valid until the next call."""
        batch: list[np.ndarray] = self._ahead.get()
        return batch

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._ahead.state
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        self._ahead.close()
        self.source.set_state(state)
        self._start(state)

    def close(self) -> None:
        self._ahead.close()
        self.source.close()


class RowBatches:
    """Rows of HDF5 files, `batch_size` at a time."""

    def __init__(self, source: Hdf5Source, batch_size: int) -> None:
        self.source, self.batch_size = source, batch_size
        self.get_state, self.set_state, self.fill = source.get_state, source.set_state, source.fill

    def shapes(self) -> list[Shape]:
        return [(self.batch_size, *shape) for shape in self.source.row_shapes]

    def close(self) -> None:
        """Nothing to close: files are open only while they are read."""


class ImageBatches:
    """Base of batches of transformed images (N, C, H, W) and labels, (N,) or (N, k) for k each.

    The first image sets the size of its batch, so with one image a batch the size may change.
    """

    def __init__(self, transformer: Transformer, batch_size: int, label_count: int) -> None:
        self.transformer, self.batch_size, self.label_count = transformer, batch_size, label_count
        self._first: Item | None = None
        self._before_first: dict[str, Any] = {}

    def _read(self) -> Item:
        raise NotImplementedError

    def _position(self) -> dict[str, Any]:
        """State of everything but the transformer, whose generator it may share."""
        raise NotImplementedError

    def _seek(self, position: dict[str, Any]) -> None:
        raise NotImplementedError

    @property
    def place(self) -> str:
        """The origin of the item read last, for error messages."""
        raise NotImplementedError

    def shapes(self) -> list[Shape]:
        if self._first is None:
            self._before_first = self.get_state()
            self._first = self._read()
        try:
            shape = self.transformer.output_shape(self._first[0].shape)
        except DataError as error:
            raise DataError(f"{self.place}: {error}") from None
        labels = {0: [], 1: [(self.batch_size,)]}.get(
            self.label_count, [(self.batch_size, self.label_count)]
        )
        return [(self.batch_size, *shape), *labels]

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        for i in range(self.batch_size):
            image, label = self._first or self._read()
            self._first = None
            try:
                self.transformer.transform(image, arrays[0][i])
            except DataError as error:
                raise DataError(f"{self.place}: {error}") from None
            if self.label_count:
                arrays[1][i] = label

    def get_state(self) -> dict[str, Any]:
        if self._first is not None:
            return self._before_first
        return {
            "position": self._position(),
            "transformer": self.transformer.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self._first = None
        self._seek(state["position"])
        self.transformer.rng.bit_generator.state = state["transformer"]

    def close(self) -> None:
        """Close files."""


class DatumBatches(ImageBatches):
    """Batches of a database of datums, in key order, starting after `skip` records."""

    def __init__(
        self,
        source: Source,
        transformer: Transformer,
        batch_size: int,
        labels: bool,
        skip: int = 0,
    ) -> None:
        super().__init__(transformer, batch_size, int(labels))
        self.source = source
        self._warned = False
        if skip:
            source.seek(skip)

    def _read(self) -> Item:
        record, transformer = datum.parse(self.source.next(), self.place), self.transformer
        self._warn_of_forcing(record)
        return datum.decode(record, transformer.force_color, transformer.force_gray, self.place)

    def _warn_of_forcing(self, record: Any) -> None:
        """Warn once that raw records keep their channels."""
        for field, channels in (("force_color", 3), ("force_gray", 1)):
            forced = getattr(self.transformer, field) and record.channels != channels
            if forced and not record.encoded and not self._warned:
                self._warned = True
                log.warning(
                    "%s: %s is for encoded images; this record is raw and keeps its %d channels",
                    self.place,
                    field,
                    record.channels,
                )

    def _position(self) -> dict[str, Any]:
        return {"cursor": self.source.cursor}

    def _seek(self, position: dict[str, Any]) -> None:
        self.source.seek(position["cursor"])

    @property
    def place(self) -> str:
        return self.source.place

    def close(self) -> None:
        self.source.close()


class ListedImageBatches(ImageBatches):
    """Batches of listed image files, resized by `images.read_image` to these sizes."""

    def __init__(
        self,
        images: ImageList,
        transformer: Transformer,
        batch_size: int,
        new_height: int = 0,
        new_width: int = 0,
        color: bool = True,
        min_height: int = 0,
        min_width: int = 0,
    ) -> None:
        super().__init__(transformer, batch_size, images.label_count)
        self.images = images
        self._how = (new_height, new_width, color, min_height, min_width)
        self._path = ""

    def _read(self) -> Item:
        self._path, labels = self.images.next()
        image = read_image(self._path, *self._how)
        return image.transpose(2, 0, 1), labels[0] if self.label_count == 1 else labels

    def _position(self) -> dict[str, Any]:
        return self.images.get_state()

    def _seek(self, position: dict[str, Any]) -> None:
        self.images.set_state(position)

    @property
    def place(self) -> str:
        return self._path
