"""Codes of boxes as MS-CNN normalizes them, and fields of cells; on the host."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.types import Array


def normalization(layer: Layer) -> tuple[Array, Array]:
    """Mean and standard deviation (4,) of codes, from `bbox_reg_param`; 0 and 1 without it."""
    param = layer.param.bbox_reg_param
    means, deviations = list(param.bbox_mean), list(param.bbox_std)
    if not means or not deviations:
        return np.zeros(4), np.ones(4)
    if len(means) != 4 or len(deviations) != 4 or min(deviations) <= 0:
        raise layer.fail(
            "bbox_mean and bbox_std take four values each, and bbox_std positive ones, got "
            f"{means} and {deviations}"
        )
    return np.array(means), np.array(deviations)


@dataclass(frozen=True)
class Field:
    """The field of a feature map's cells: its size and the step from cell to cell, in pixels.

    Predicted offsets are cut to 1 / `offset` fields, sizes to [1 / `size`, `size`] fields.
    """

    height: float
    width: float
    step: float
    size: float
    offset: float

    def limits(self) -> tuple[Array, Array]:
        """The least and the largest code (4,)."""
        largest = np.array([1 / self.offset] * 2 + [np.log(self.size)] * 2)
        return -largest, largest

    def centers(self, height: int, width: int) -> tuple[Array, Array]:
        """The centres of cells in pixels: x (1, W) and y (H, 1)."""
        x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
        return (x * self.step)[None], (y * self.step)[:, None]

    def decode(self, codes: Array) -> Array:
        """Boxes (4, H, W) as corner and size, x, y, width and height, from codes (4, H, W)."""
        least, largest = (limit[:, None, None] for limit in self.limits())
        # As min and max of C do, NaN becomes a limit.
        dx, dy, dw, dh = np.fmin(largest, np.fmax(least, codes))
        x, y = self.centers(*codes.shape[1:])
        width, height = self.width * np.exp(dw), self.height * np.exp(dh)
        left, top = x + dx * self.width - width / 2, y + dy * self.height - height / 2
        return np.stack([left, top, width, height])

    def encode(self, boxes: Array) -> Array:
        """Codes (N, 4, H, W) of boxes (N, 4, H, W), x, y, width and height about the centre."""
        x, y = self.centers(*boxes.shape[2:])
        return np.stack(
            [
                (boxes[:, 0] - x) / self.width,
                (boxes[:, 1] - y) / self.height,
                np.log(np.maximum(boxes[:, 2], 2) / self.width),
                np.log(np.maximum(boxes[:, 3], 2) / self.height),
            ],
            axis=1,
        )


def field_of(
    layer: Layer, height: float, width: float, step: float, size: float, offset: float
) -> Field:
    """A Field, whose numbers must be positive, and `size` at least 1."""
    if min(height, width, step, offset) <= 0 or size < 1:
        raise layer.fail(
            "field_h, field_w, downsample_rate and field_xyr must be positive and field_whr at "
            f"least 1, got {height}, {width}, {step}, {offset:g} and {size:g}"
        )
    return Field(height, width, step, size, offset)
