"""Classify images: their classes' probabilities, over one crop or ten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from caffe_lite.errors import DataError, ModelError
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net

_BATCH = 32  # crops
_PROBABILITIES = ("prob", "probs", "softmax", "probability")


class ImageClassifier:
    """Computes the scores of classes that a net gives to images.

    `crops` is 1, the centre, or 10: corners and centre, and their mirror images, whose scores are
    averaged. `blob` names the scores; by default it is the output of a usual name, else the last
    output. `gives_probabilities` says whether a Softmax or Sigmoid makes them. Raises ModelError if
    there is none, or if it has no row of scores for each image.
    """

    def __init__(self, net: Net, images: ImageInput, crops: int = 1, blob: str = "") -> None:
        self.net, self.images, self.crops = net, images, crops
        if len(net.inputs) != 1:
            raise ModelError(
                f'net "{net.name}" takes {", ".join(net.inputs)}; classification needs one input, '
                "the image"
            )
        known = [name for name in _PROBABILITIES if name in net.outputs]
        self.blob = blob or (known or list(net.outputs)[-1:] or [""])[0]
        if self.blob not in net.blobs:
            raise ModelError(f'net "{net.name}" has no blob "{self.blob}" with scores')
        shape = net.blobs[self.blob].shape
        if len(shape) < 2 or any(side != 1 for side in shape[2:]):
            raise ModelError(
                f'blob "{self.blob}" has shape {shape}; the scores of an image are a row (N, K)'
            )
        self.classes = shape[1]
        makers = [layer.type for layer in net.param.layer if self.blob in layer.top]
        self.gives_probabilities = makers[-1] in ("Softmax", "Sigmoid")

    def scores(self, paths: Sequence[str]) -> Iterator[tuple[str, np.ndarray | DataError]]:
        """Each path with its scores (K,), or with the error if it cannot be read."""
        step = max(1, _BATCH // self.crops)
        for first in range(0, len(paths), step):
            block = paths[first : first + step]
            loaded = [self._load(path) for path in block]
            crops = [each for each in loaded if isinstance(each, np.ndarray)]
            rows = iter(self.run(np.concatenate(crops)) if crops else ())
            for path, each in zip(block, loaded, strict=True):
                yield path, next(rows) if isinstance(each, np.ndarray) else each

    def _load(self, path: str) -> np.ndarray | DataError:
        """The crops of an image, (crops, C, H, W), or why it cannot be read."""
        try:
            crops = self.images.load([path], self.crops)
        except DataError as error:
            return error
        return crops.reshape(-1, *crops.shape[-3:])

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Mean scores (n, K) of batch (n * crops, C, H, W)."""
        data = self.net.blobs[self.net.inputs[0]]
        data.reshape(*batch.shape)
        data.load(batch)
        self.net.forward()
        scores = self.net.ops.to_host(self.net.blobs[self.blob].data)
        return scores.reshape(-1, self.crops, self.classes).mean(axis=1)


def best(scores: np.ndarray, count: int) -> list[int]:
    """The classes of the `count` highest scores, the highest first; equal ones by their number."""
    order = np.argsort(-scores, kind="stable")
    return [int(i) for i in order[:count]]
