"""Image features from a convolutional net, the input of LRCN's caption nets."""

import os
from collections.abc import Sequence

import numpy as np

from caffe_lite.errors import ModelError
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net


class ImageFeatures:
    """Computes the blob `name` (such as fc8) of `net`, whose only input takes images.

    With `crops` 10 the features of an image are the mean over those of ten crops. Raises
    ModelError for a net with more inputs, or without the blob.
    """

    def __init__(
        self, net: Net, name: str, images: ImageInput, crops: int = 1, batch_size: int = 16
    ) -> None:
        if len(net.inputs) != 1:
            raise ModelError(
                f'net "{net.name}" must have one input, the image; it has '
                f"{', '.join(net.inputs) or 'none'}: use its deploy definition"
            )
        self.net, self.name, self.images = net, name, images
        self.crops, self.batch_size = crops, batch_size
        if name not in net.blobs:
            raise ModelError(f'net "{net.name}" has no blob "{name}"')

    def compute(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """The features of image files, (n, ...): the blob's shape with n images."""
        found = []
        data = self.net.blobs[self.net.inputs[0]]
        step = max(1, self.batch_size // self.crops)
        for first in range(0, len(paths), step):
            batch = self.images.load(paths[first : first + step], self.crops)
            batch = batch.reshape(-1, *batch.shape[-3:])
            data.reshape(*batch.shape)
            data.data[...] = self.net.ops.asarray(batch)
            self.net.forward()
            features = self.net.ops.to_host(self.net.blobs[self.name].data)
            found.append(features.reshape(-1, self.crops, *features.shape[1:]).mean(axis=1))
        return np.concatenate(found)
