"""Next-word probabilities of many sentences at once, one step or whole sentences per forward."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.lrcn.caption_net import CaptionNet
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.vocabulary import END

Array = Any


class WordPredictor:
    """Runs a caption net over streams, each a sentence about one image.

    `encode` takes the images. Then `begin` starts streams, and `advance` feeds one word to each;
    both return the `NextWords` of the streams. A step is one forward with T = 1: the net's
    recurrent layers carry the states of the streams, which `advance` reorders, repeats or drops.
    """

    def __init__(self, parts: CaptionNet) -> None:
        self.parts, self.net, self.ops = parts, parts.net, parts.net.ops
        self._features: dict[str, Array] = {}
        self._rows = np.empty(0, np.int32)  # the image of each stream

    def encode(self, images: Array | None) -> int:
        """Run the image layers for images (n, ...), shaped as the net's image input; return n.

        Of images (n, crops, ...) the features are averaged over the crops. None is for a net
        without image input, and counts as one image. Raises ModelError for images of another shape.
        """
        self._rows = np.empty(0, np.int32)
        name = self.parts.image
        if (images is None) != (name is None):
            what = f"needs images in its input {name}" if name else "takes no images"
            raise ModelError(f'net "{self.net.name}" {what}')
        if images is None or name is None:
            return 1
        blob = self.net.blobs[name]
        images, crops = np.asarray(images), 1
        if images.ndim == len(blob.shape) + 1 and images.size:
            crops = images.shape[1]
            images = images.reshape(-1, *images.shape[2:])
        if images.ndim < 1 or images.shape[1:] != blob.shape[1:] or not len(images):
            raise ModelError(
                f'net "{self.net.name}" takes {name} of shape (n, '
                f"{', '.join(map(str, blob.shape[1:]))}), got {images.shape}"
            )
        for feature, values in self._features.items():
            self.net.blobs[feature].reshape(len(images), *values.shape[1:])
        blob.reshape(*images.shape)
        blob.data[...] = self.ops.asarray(images)
        for start, end in self.parts.image_layers:
            self.net.forward(start, end)
        self._features = {
            feature: self._mean_over_crops(self.net.blobs[feature].data, crops)
            for feature in self.parts.features
        }
        return len(images) // crops

    def _mean_over_crops(self, values: Array, crops: int) -> Array:
        """A copy of features (n * crops, ...), averaged: (n, ...)."""
        if crops == 1:
            return self.ops.asarray(values).copy()
        return values.reshape(-1, crops, *values.shape[1:]).mean(axis=1)

    @property
    def features(self) -> dict[str, Array]:
        """The blobs that the word layers read from the image layers, (images, ...) each."""
        return self._features

    def begin(self, rows: Sequence[int] | np.ndarray) -> NextWords:
        """Start one stream for each image of `rows`; returns their first words."""
        self._start(rows)
        count = len(self._rows)
        return self._step(np.full(count, END), np.zeros(count))

    def advance(self, streams: np.ndarray, words: np.ndarray) -> NextWords:
        """Continue the given streams, `streams[i]` with `words[i]`; returns their next words.

        The streams are numbered from 0 again, in the given order.
        """
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
        return self._next_words().of(targets.ravel()).reshape(targets.shape)

    def _start(self, rows: Sequence[int] | np.ndarray) -> None:
        """Reset all states: NaN in one would survive a `cont` of 0."""
        for layer in self.parts.recurrent:
            layer.reset()
        self._show(np.asarray(rows, np.int32))

    def _show(self, rows: np.ndarray) -> None:
        """Give stream i the features of image `rows[i]`."""
        if np.array_equal(rows, self._rows):
            return
        self._rows = rows
        index = self.ops.asarray(rows, dtype="int32")
        for name, values in self._features.items():
            blob = self.net.blobs[name]
            blob.reshape(len(rows), *values.shape[1:])
            flat = values.reshape(len(values), -1)
            self.ops.take(flat, index, blob.data.reshape(len(rows), -1))

    def _step(self, words: np.ndarray, cont: np.ndarray) -> NextWords:
        self._forward(words[None], cont[None])
        return self._next_words()

    def _next_words(self) -> NextWords:
        scores = self.net.blobs[self.parts.scores].data
        source = f'net "{self.net.name}": {self.parts.probs}'
        return NextWords(self.ops, scores.reshape(-1, scores.shape[-1]), source)

    def _forward(self, words: np.ndarray, cont: np.ndarray) -> None:
        for name, values in ((self.parts.words, words), (self.parts.cont, cont)):
            blob = self.net.blobs[name]
            blob.reshape(*values.shape)
            blob.data[...] = self.ops.asarray(values)
        for start, end in self.parts.scoring_layers:
            self.net.forward(start, end)
