"""What layers over regions of interest share: bottoms, and weights of windows, made on the host.

A region is a row (image, x1, y1, x2, y2) in pixels of the input image, both corners inside.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Flags


class RegionLayer(Layer):
    """Base of layers that pool regions (bottom[1]) of a feature map (bottom[0])."""

    bottoms = (2, 2)
    no_gradient = (1,)
    spatial = True

    def region_rows(self, bottom: Blobs) -> Array:
        """The regions (R, 5) as the device holds them."""
        return bottom[1].data.reshape(-1, 5)

    def check_bottoms(self, bottom: Blobs) -> None:
        """Fail unless bottom[0] is (N, C, H, W) and bottom[1] has rows of 5."""
        self.require_elements(bottom)
        features, regions = bottom[0].shape, bottom[1].shape
        if len(features) != 4 or not regions or bottom[1].count != regions[0] * 5:
            raise self.fail_shape(
                1,
                (1, 5),
                "needs features (N, C, H, W) in bottom[0] and regions (R, 5), rows of image, x1, "
                f"y1, x2 and y2, in bottom[1], got shapes {features} and {regions}",
            )

    def zero_regions(self, propagate_down: Flags, bottom: Blobs) -> None:
        """Regions pass no gradient on; a Python layer that makes them is asked for one anyway."""
        if propagate_down[1]:
            bottom[1].diff[...] = 0

    def require_positive(self, **values: float) -> None:
        """Fail for the first of these fields that is not positive."""
        for name, value in values.items():
            if not value > 0:
                raise self.fail(f"{name} must be positive, got {value:g}")


class Crop(NamedTuple):
    """The part of an image that a region's windows cover, with the weights of its pixels."""

    region: int
    image: int
    rows: slice
    columns: slice
    row_weights: Array  # (OH, rows)
    column_weights: Array  # (OW, columns)


def crops(images: Array, row_weights: Array, column_weights: Array, count: int) -> Iterator[Crop]:
    """The crops of all regions whose image is one of `count` and whose windows are not all empty.

    `images` (R,) are the regions' images, `row_weights` (R, OH, H) and `column_weights` (R, OW, W)
    the weight of each row and column of the image in each window; all on the host.
    """
    for region, image in enumerate(images):
        rows, columns = _extent(row_weights[region]), _extent(column_weights[region])
        if not 0 <= image < count or rows is None or columns is None:
            continue
        yield Crop(
            region,
            int(image),
            rows,
            columns,
            row_weights[region][:, rows],
            column_weights[region][:, columns],
        )


def _extent(weights: Array) -> slice | None:
    """The part of the last axis outside of which all weights (O, L) are 0; None for all of it."""
    (used,) = np.nonzero(weights.any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else None


def rounded(values: Array) -> Array:
    """The nearest whole numbers, halves away from zero."""
    return np.trunc(values + np.copysign(values.dtype.type(0.5), values))
