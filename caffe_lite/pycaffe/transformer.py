"""Convert images to a net's input, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import did_you_mean
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.pycaffe.images import resize_image


class Transformer:
    """Preprocessing for the inputs of a net, `inputs` = {name: shape (N, C, H, W)}.

    What `preprocess` does to an image, each step only if it was set:

        resize to (H, W), transpose, channel_swap, * raw_scale, - mean, * input_scale

    For a net trained by Caffe and RGB images (H, W, 3) of 0 ... 1, use set_transpose(name,
    (2, 0, 1)), set_channel_swap(name, (2, 1, 0)), set_raw_scale(name, 255) and set_mean. The
    settings are dicts by input name. Raises ArgumentError for unknown inputs and unfit values.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, float] = {}
        self.is_flow: dict[str, bool] = {}

    def _shape(self, name: str) -> tuple[int, ...]:
        if name not in self.inputs:
            raise ArgumentError(
                f'"{name}" is not one of the inputs {", ".join(self.inputs)}'
                f"{did_you_mean(name, self.inputs)}"
            )
        return tuple(self.inputs[name])

    def preprocess(self, in_: str, data: Any) -> np.ndarray:
        """The input (C, H, W) float32 for blob `in_`, from an image (H', W', C), which is copied.

        Without set_transpose, data (H, W, ...) of the input's size keep their axes.
        """
        size = self._shape(in_)[2:]
        values = np.array(data, np.float32)
        if values.shape[:2] != size:
            values = resize_image(values, size)
        if in_ in self.transpose:
            values = values.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            values = values[list(self.channel_swap[in_])]
        if in_ in self.raw_scale:
            values *= self.raw_scale[in_]
        if in_ in self.mean:
            values -= self.mean[in_]
        if in_ in self.input_scale:
            values *= self.input_scale[in_]
        return values

    def deprocess(self, in_: str, data: Any) -> np.ndarray:
        """The inverse of `preprocess`, without resizing: an image (H, W, C) from data (C, H, W).

        Data (1, C, H, W) are accepted, too.
        """
        self._shape(in_)
        values = np.array(data)
        if values.dtype.kind != "f":
            values = values.astype(np.float32)
        order = self.transpose.get(in_)
        if order is None:
            values = values.squeeze()
        while order is not None and values.ndim > len(order) and values.shape[0] == 1:
            values = values[0]
        if in_ in self.input_scale:
            values /= self.input_scale[in_]
        if in_ in self.mean:
            values += self.mean[in_]
        if in_ in self.raw_scale:
            values /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            values = values[np.argsort(self.channel_swap[in_])]
        if order is not None:
            values = values.transpose(np.argsort(order))
        return values

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of axes: (2, 0, 1) turns (H, W, C) into (C, H, W)."""
        axes = len(self._shape(in_)) - 1
        if sorted(order) != list(range(axes)):
            raise ArgumentError(
                f'the order of axes for "{in_}" must have each of 0 to {axes - 1} once, '
                f"got {tuple(order)}"
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of channels, after the transpose: (2, 1, 0) turns R G B into B G R."""
        channels = self._shape(in_)[1]
        if len(order) != channels or not set(order) <= set(range(channels)):
            raise ArgumentError(
                f'the order of channels for "{in_}" must be {channels} of 0 to {channels - 1}, '
                f"got {tuple(order)}"
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set the factor before the mean: 255 for a mean in levels and images of 0 ... 1."""
        self._shape(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: Any) -> None:
        """Set what is subtracted: one number, one per channel, or a mean image (C, h, w) or (h, w).

        A mean image of another size than the input is resized; (C, 1, 1) is one number per channel.
        """
        channels, *size = self._shape(in_)[1:]
        mean = np.asarray(mean)
        shape = mean.shape
        if mean.ndim == 1:
            if len(mean) != channels:
                raise ArgumentError(
                    f'a mean of {len(mean)} channels for "{in_}", which has {channels}'
                )
            mean = mean[:, None, None]
        elif mean.ndim == 2:
            mean = mean[None]
        if mean.ndim not in (0, 3) or (mean.ndim == 3 and len(mean) not in (1, channels)):
            raise ArgumentError(
                f'a mean of shape {shape} for "{in_}" of shape {(channels, *size)}; give one '
                "number, one per channel, or a mean image"
            )
        if mean.ndim == 3 and mean.shape[1:] not in ((1, 1), tuple(size)):
            mean = resize_image(mean.transpose(1, 2, 0), size).transpose(2, 0, 1)
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor after the mean."""
        self._shape(in_)
        self.input_scale[in_] = scale

    def set_is_flow(self, in_: str, is_flow: bool) -> None:
        """Record that the input is optical flow, for scripts written for LRCN's branch.

        It has no effect, as in that branch; `oversample` and `flip_image` mirror flow.
        """
        self._shape(in_)
        self.is_flow[in_] = is_flow
