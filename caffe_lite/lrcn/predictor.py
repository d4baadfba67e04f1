"""Next-word probabilities of many sentences at once, step by step or of whole sentences."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.lrcn.caption_net import CaptionNet
from caffe_lite.lrcn.vocabulary import END

Array = Any


class WordPredictor:
    """Runs a caption net over streams, each a sentence about one image.

    `encode` takes the images; then `begin` starts streams, and `advance` feeds one word to each
    and gives the logarithms of the next word's probabilities, (streams, vocabulary size). A step
    is one forward of T = 1: the net's recurrent layers carry the streams' states, which `advance`
    reorders, repeats or drops.
    """

    def __init__(self, parts: CaptionNet) -> None:
        self.parts, self.net, self.ops = parts, parts.net, parts.net.ops
        self._features: dict[str, Array] = {}
        self._rows = np.empty(0, np.int32)  # the image of each stream

    def encode(self, images: Array | None) -> int:
        """Take images (n, ...), as the net's image input has them, and return how many there are.

        None stands for one sentence about nothing, with a net that takes no image. Raises
        ModelError for images of another shape.
        """
        self._rows = np.empty(0, np.int32)
        name = self.parts.image
        if (images is None) != (name is None):
            what = f"needs images in its input {name}" if name else "takes no images"
            raise ModelError(f'net "{self.net.name}" {what}')
        if images is None or name is None:
            return 1
        blob = self.net.blobs[name]
        images = np.asarray(images)
        if images.ndim < 1 or images.shape[1:] != blob.shape[1:] or not len(images):
            raise ModelError(
                f'net "{self.net.name}" takes {name} of shape (n, '
                f"{', '.join(map(str, blob.shape[1:]))}), got {images.shape}"
            )
        for feature, values in self._features.items():
            self.net.blobs[feature].reshape(*values.shape)
        blob.reshape(*images.shape)
        blob.data[...] = self.ops.asarray(images)
        for start, end in self.parts.image_layers:
            self.net.forward(start, end)
        self._features = {
            feature: self.ops.asarray(self.net.blobs[feature].data).copy()
            for feature in self.parts.features
        }
        return len(images)

    def begin(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Start one stream about each image of `rows`; log-probabilities of their first words."""
        self._start(rows)
        count = len(self._rows)
        return self._step(np.full(count, END), np.zeros(count))

    def advance(self, streams: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Go on from the given streams, stream i with `words[i]`; log-probabilities of the next."""
        if len(streams) != len(self._rows) or (streams != np.arange(len(streams))).any():
            for layer in self.parts.recurrent:
                layer.select_streams(streams.tolist())
            self._show(self._rows[streams])
        return self._step(words, np.ones(len(words)))

    def score(
        self,
        rows: Sequence[int] | np.ndarray,
        inputs: np.ndarray,
        targets: np.ndarray,
    ) -> np.ndarray:
        """Log-probabilities (T, N) of `targets` (T, N) after `inputs` (T, N), in one forward."""
        self._start(rows)
        cont = np.ones(inputs.shape)
        cont[0] = 0
        self._forward(inputs, cont)
        probs = self.net.blobs[self.parts.probs].data
        steps, streams = np.indices(targets.shape)
        index = [self.ops.asarray(each, dtype="int32") for each in (steps, streams, targets)]
        return self._log(probs[tuple(index)])

    def _start(self, rows: Sequence[int] | np.ndarray) -> None:
        """Forget the states of sentences before: NaN in one would outlive a `cont` of 0."""
        for layer in self.parts.recurrent:
            layer.reset()
        self._show(np.asarray(rows, np.int32))

    def _show(self, rows: np.ndarray) -> None:
        """Have each stream look at its image's features."""
        if np.array_equal(rows, self._rows):
            return
        self._rows = rows
        index = self.ops.asarray(rows, dtype="int32")
        for name, values in self._features.items():
            blob = self.net.blobs[name]
            blob.reshape(len(rows), *values.shape[1:])
            flat = values.reshape(len(values), -1)
            self.ops.take(flat, index, blob.data.reshape(len(rows), -1))

    def _step(self, words: np.ndarray, cont: np.ndarray) -> np.ndarray:
        self._forward(words[None], cont[None])
        return self._log(self.net.blobs[self.parts.probs].data[0])

    def _forward(self, words: np.ndarray, cont: np.ndarray) -> None:
        for name, values in ((self.parts.words, words), (self.parts.cont, cont)):
            blob = self.net.blobs[name]
            blob.reshape(*values.shape)
            blob.data[...] = self.ops.asarray(values)
        for start, end in self.parts.word_layers:
            self.net.forward(start, end)

    def _log(self, probs: Array) -> np.ndarray:
        probs = self.ops.to_host(probs)
        if np.isnan(probs).any():
            raise ModelError(
                f'net "{self.net.name}": {self.parts.probs} holds NaN; its weights '
                "or the images are not finite"
            )
        return np.log(np.maximum(probs, np.finfo(probs.dtype).tiny))
