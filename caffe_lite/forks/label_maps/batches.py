"""Batches of images with label images, on the host."""

from collections.abc import Callable, Sequence

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.label_maps.listing import Entry, PairList
from caffe_lite.forks.label_maps.transformer import PairTransformer
from caffe_lite.types import Array, Pair, Shape, State

Reader = Callable[[Entry], tuple[Array, Array, Pair]]


class PairBatches:
    """Images (N, C, H, W), labels (N, 1, H', W') and, with `sizes`, (height, width) (N, 1, 1, 2).

    `read` makes an image (H, W, C), its labels (H, W, 1) and the size of the file's image from an
    entry of the list. The first image decides the size of its batch.
    """

    def __init__(
        self,
        pairs: PairList,
        read: Reader,
        transformer: PairTransformer,
        batch_size: int,
        sizes: bool = False,
    ) -> None:
        self._pairs, self._read, self._transformer = pairs, read, transformer
        self._batch_size, self._sizes = batch_size, sizes
        self._made: list[Array] | None = None
        self._before: State = {}

    def shapes(self) -> list[Shape]:
        if self._made is None:
            self._before = self.get_state()
            self._made = self._make()
        return [array.shape for array in self._made]

    def fill(self, arrays: Sequence[Array]) -> None:
        made = self._made or self._make()
        self._made = None
        for array, values in zip(arrays, made, strict=True):
            array[...] = values

    def _make(self) -> list[Array]:
        images: list[Array] = []
        labels: list[Array] = []
        sizes = np.empty((self._batch_size, 1, 1, 2), np.float32)
        for i in range(self._batch_size):
            entry = self._pairs.next()
            image, label, size = self._read(entry)
            try:
                image, label = self._transformer.apply(image, label)
            except DataError as error:
                raise DataError(f"{entry[0]}: {error}") from None
            for what, made, others in (("image", image, images), ("label image", label, labels)):
                if others and made.shape != others[0].shape:
                    raise DataError(
                        f"{entry[0]}: its {what} comes out as {made.shape}, the batch holds "
                        f"{others[0].shape}; all of a batch must have one size (or use a crop)"
                    )
            images.append(image)
            labels.append(label)
            sizes[i, 0, 0] = np.minimum(size, images[0].shape[1:])
        return [np.stack(images), np.stack(labels), *([sizes] if self._sizes else [])]

    def get_state(self) -> State:
        if self._made is not None:
            return self._before
        return {
            "position": self._pairs.get_state(),
            "transformer": self._transformer.rng.bit_generator.state,
        }

    def set_state(self, state: State) -> None:
        self._made = None
        self._pairs.set_state(state["position"])
        self._transformer.rng.bit_generator.state = state["transformer"]

    def close(self) -> None:
        """No file stays open."""
