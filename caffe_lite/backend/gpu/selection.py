"""Cropping, tiling and the element-wise maximum on the GPU."""

from collections.abc import Sequence
from typing import Any

import numpy

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.constants import MOST_AXES
from caffe_lite.types import Array, Shape


class GpuSelection(GpuBase):
    """The arithmetic of the Crop, Tile and Eltwise layers."""

    _crops: dict[Any, Any]

    def crop(self, x: Array, start: Sequence[int], y: Array) -> None:
        """y = the part of x with y's shape that begins at `start`, one index per axis."""
        window, axes = self._window(x.shape, start, y.shape)
        self.launch("crop", y.size, y.size, x, y, window, axes)

    def crop_grad(self, dy: Array, start: Sequence[int], dx: Array) -> None:
        """dx (overwritten) = dy in the part that begins at `start`, 0 elsewhere."""
        window, axes = self._window(dx.shape, start, dy.shape)
        self.launch("crop_grad", dx.size, dx.size, dy, dx, window, axes)

    def tile(self, x: Array, y: Array) -> None:
        """y (outer, tiles, inner) = x (outer, inner), repeated along the middle axis."""
        _, tiles, inner = y.shape
        self.launch("tile", y.size, y.size, x, y, tiles, inner)

    def tile_grad(self, dy: Array, dx: Array) -> None:
        """dx (outer, inner) = the sum of dy (outer, tiles, inner) over the middle axis."""
        _, tiles, inner = dy.shape
        self.launch("tile_grad", dx.size, dx.size, dy, dx, tiles, inner)

    def eltwise_max(self, xs: Sequence[Array], y: Array, winner: Array) -> None:
        """y = the element-wise maximum of xs (two or more, one shape); winner (int32) = its index.

        On a tie xs[1] wins over xs[0]; otherwise the lower index wins.
        """
        before = xs[0]
        for i, x in enumerate(xs[1:], 1):
            self.launch("eltwise_max", y.size, y.size, before, x, i, y, winner)
            before = y

    def eltwise_max_grad(self, dy: Array, winner: Array, index: int, dx: Array) -> None:
        """dx = dy where xs[index] was the maximum, else 0."""
        self.launch("eltwise_max_grad", dx.size, dx.size, dy, winner, index, dx)

    def _window(self, whole: Shape, start: Sequence[int], part: Shape) -> tuple[Any, int]:
        """The array `window` of selection.cu, and its number of axes."""
        axes = _merged(whole, start, part)
        if len(axes) > MOST_AXES:
            raise ValueError(f"a crop of {len(axes)} axes: at most {MOST_AXES} on a GPU")
        if axes not in self._crops:
            self._crops[axes] = self.asarray(numpy.array(axes).T, "int32")
        return self._crops[axes], len(axes)


def _merged(
    whole: Sequence[int], start: Sequence[int], part: Sequence[int]
) -> tuple[tuple[int, int, int], ...]:
    """(whole, start, part) per axis; an axis that is not cropped is merged with the one before."""
    axes: list[tuple[int, int, int]] = []
    for size, first, count in zip(whole, start, part, strict=True):
        if axes and count == size:
            before = axes.pop()
            size, first, count = (number * size for number in before)
        axes.append((size, first, count))
    return tuple(axes or [(1, 0, 1)])
