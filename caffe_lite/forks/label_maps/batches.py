"""Batches of images with label images, on the host."""

from collections.abc import Callable

import numpy as np

from caffe_lite.data.unsized import UnsizedBatches
from caffe_lite.errors import DataError
from caffe_lite.forks.label_maps.listing import Entry, PairList
from caffe_lite.forks.label_maps.transformer import PairTransformer
from caffe_lite.types import Array, Pair, State

Reader = Callable[[Entry], tuple[Array, Array, Pair]]


class PairBatches(UnsizedBatches):
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
        super().__init__()
        self._pairs, self._read, self._transformer = pairs, read, transformer
        self._batch_size, self._sizes = batch_size, sizes

    def make(self) -> list[Array]:
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

    def position(self) -> State:
        return {
            "position": self._pairs.get_state(),
            "transformer": self._transformer.rng.bit_generator.state,
        }

    def seek(self, state: State) -> None:
        self._pairs.set_state(state["position"])
        self._transformer.rng.bit_generator.state = state["transformer"]

    def close(self) -> None:
        """No file stays open."""
