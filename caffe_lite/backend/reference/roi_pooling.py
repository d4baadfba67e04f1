"""Max pooling of regions of interest: Girshick, Fast R-CNN, ICCV 2015, section 2.1."""

from itertools import product
from typing import Any

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.pooling import LOWEST
from caffe_lite.types import Array


class ReferenceRoiPooling(OpsBase):
    """Pooling of regions of x (N, C, H, W) into y (R, C, OH, OW).

    rois (R, 5) holds the image number of each region and x1, y1, x2, y2: its first and last column
    and row, in coordinates that are multiplied by `scale` and rounded to pixels of x. A region is
    at least one pixel wide and high. It is divided into OH x OW windows, from floor(i * size /
    count) to ceil((i + 1) * size / count), which are clipped to the image. An empty window gives 0,
    as does every window of an image number that does not exist.
    """

    def roi_pool(self, x: Array, rois: Array, y: Array, mask: Array, scale: float) -> None:
        """y = the largest pixel in each window; mask (int32, as y) = h * W + w of the first such.

        mask is -1 where there is none. NaN and -inf are never chosen: a window without other pixels
        gives the lowest float32.
        """
        xp, width = self.xp, x.shape[3]
        y[...] = 0
        mask[...] = -1
        rows = windows(xp, rois[:, 2], rois[:, 4], scale, y.shape[2], x.shape[2]).tolist()
        columns = windows(xp, rois[:, 1], rois[:, 3], scale, y.shape[3], x.shape[3]).tolist()
        for r, image in enumerate(rois[:, 0].astype(int).tolist()):
            for i, j in product(range(y.shape[2]), range(y.shape[3])):
                (top, bottom), (left, right) = rows[r][i], columns[r][j]
                if not 0 <= image < len(x) or top >= bottom or left >= right:
                    continue
                window = x[image, :, top:bottom, left:right].reshape(x.shape[1], -1)
                window = xp.where(window > LOWEST, window, LOWEST)
                first = window.argmax(axis=1)
                y[r, :, i, j] = window.max(axis=1)
                row, column = first // (right - left), first % (right - left)
                place = (top + row) * width + left + column
                mask[r, :, i, j] = xp.where(y[r, :, i, j] > LOWEST, place, -1)

    def roi_pool_grad(self, dy: Array, rois: Array, mask: Array, dx: Array) -> None:
        """dx (overwritten): each dy is added to the pixel in its mask, unless that is -1."""
        dx[...] = 0
        planes = dx.reshape(*dx.shape[:2], -1)
        region, channel, i, j = self.xp.nonzero(mask >= 0)
        image = rois[:, 0].astype(int)[region]
        place = mask[region, channel, i, j]
        self.xp.add.at(planes, (image, channel, place), dy[region, channel, i, j])


def windows(xp: Any, first: Array, last: Array, scale: float, count: int, size: int) -> Array:
    """Begin and end (R, count, 2) of `count` windows along one axis of each region."""
    begin, end = _rounded(xp, first * scale), _rounded(xp, last * scale)
    step = xp.fmax(end - begin + 1, 1)[:, None] / count
    i = xp.arange(count, dtype=first.dtype)
    edges = xp.stack([xp.floor(i * step), xp.ceil((i + 1) * step)], axis=2) + begin[:, None, None]
    edges = xp.fmin(xp.fmax(edges, 0), size)
    whole: Array = edges.astype(int)
    return whole


def _rounded(xp: Any, a: Array) -> Array:
    """Rounded to the nearest integer, halves away from zero."""
    return xp.sign(a) * xp.floor(abs(a) + 0.5)
