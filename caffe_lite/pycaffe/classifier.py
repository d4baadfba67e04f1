"""Classify images: a net with its preprocessing."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.lrcn.crops import center_crop
from caffe_lite.proto.schema import TEST
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.pycaffe.images import oversample as ten_crops
from caffe_lite.pycaffe.images import resize_image
from caffe_lite.pycaffe.net import Net
from caffe_lite.pycaffe.transformer import Transformer


class ImageNet(Net):
    """A net in phase TEST whose first input takes images, preprocessed by `transformer`.

    `mean`, `input_scale`, `raw_scale` and `channel_swap` are those of `Transformer`.
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path | None = None,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        if not self.inputs:
            raise ArgumentError(
                f'net "{self.name}" has no input for images; use its deploy definition'
            )
        in_ = self.inputs[0]
        self.transformer = Transformer({in_: self.blobs[in_].shape})
        self.transformer.set_transpose(in_, (2, 0, 1))
        if mean is not None:
            self.transformer.set_mean(in_, mean)
        if input_scale is not None:
            self.transformer.set_input_scale(in_, input_scale)
        if raw_scale is not None:
            self.transformer.set_raw_scale(in_, raw_scale)
        if channel_swap is not None:
            self.transformer.set_channel_swap(in_, channel_swap)

    def _outputs_for(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """The net's first output for images (H, W, K), which are resized if necessary."""
        in_ = self.inputs[0]
        data = np.stack([self.transformer.preprocess(in_, image) for image in images])
        inputs: dict[str, Any] = {in_: data}
        return self.forward_all(**inputs)[self.outputs[0]]


class Classifier(ImageNet):
    """A net that classifies images.

    Images are resized to `image_dims` (height, width) and then cropped to the size of the net's
    input. By default `image_dims` is that size, so that nothing is cropped away.
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path | None = None,
        image_dims: Sequence[int] | None = None,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, pretrained_file, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = tuple(self.crop_dims if image_dims is None else image_dims)

    def predict(self, inputs: Sequence[np.ndarray], oversample: bool = True) -> np.ndarray:
        """The first output for N images (H, W, K): (N, classes).

        With `oversample` it is averaged over ten crops: corners, centre, and their mirror images;
        otherwise only the centre crop is used. Images may differ in size.
        """
        size = (int(self.crop_dims[0]), int(self.crop_dims[1]))
        images = [resize_image(image, self.image_dims) for image in inputs]
        if not oversample:
            return self._outputs_for(center_crop(np.stack(images), size))
        outputs = self._outputs_for(ten_crops(images, size))
        return outputs.reshape(len(images), 10, -1).mean(axis=1)
