"""Cropping, tiling and the element-wise maximum."""

from collections.abc import Sequence

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array


class ReferenceSelection(OpsBase):
    """The arithmetic of the Crop, Tile and Eltwise layers."""

    def crop(self, x: Array, start: Sequence[int], y: Array) -> None:
        """y = the part of x with y's shape that begins at `start`, one index per axis."""
        y[...] = x[_window(start, y)]

    def crop_grad(self, dy: Array, start: Sequence[int], dx: Array) -> None:
        """dx (overwritten) = dy in the part that begins at `start`, 0 elsewhere."""
        dx[...] = 0
        dx[_window(start, dy)] = dy

    def tile(self, x: Array, y: Array) -> None:
        """y (outer, tiles, inner) = x (outer, inner), repeated along the middle axis."""
        y[...] = x[:, None]

    def tile_grad(self, dy: Array, dx: Array) -> None:
        """dx (outer, inner) = the sum of dy (outer, tiles, inner) over the middle axis."""
        self.xp.sum(dy, axis=1, out=dx)

    def eltwise_max(self, xs: Sequence[Array], y: Array, winner: Array) -> None:
        """y = the element-wise maximum of xs (two or more, one shape); winner (int32) = its index.

        On a tie xs[1] wins over xs[0]; otherwise the lower index wins. The maximum of NaN and a
        number is NaN.
        """
        xp = self.xp
        winner[...] = ~(xs[0] > xs[1])
        xp.maximum(xs[0], xs[1], out=y)
        for i, x in enumerate(xs[2:], 2):
            # winner = i where x is larger; faster than an assignment by mask.
            winner += (x > y) * (i - winner)
            xp.maximum(x, y, out=y)

    def eltwise_max_grad(self, dy: Array, winner: Array, index: int, dx: Array) -> None:
        """dx = dy where xs[index] was the maximum, else 0."""
        self.xp.multiply(dy, winner == index, out=dx)


def _window(start: Sequence[int], part: Array) -> tuple[slice, ...]:
    return tuple(slice(a, a + size) for a, size in zip(start, part.shape, strict=True))
