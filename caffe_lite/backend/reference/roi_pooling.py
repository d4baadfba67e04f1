"""Max pooling over regions of interest: Girshick, Fast R-CNN, ICCV 2015, section 2.1."""

from itertools import product
from typing import Any

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.pooling import LOWEST
from caffe_lite.types import Array


class ReferenceRoiPooling(OpsBase):
    """Pooling of regions of x (N, C, H, W) into y (R, C, OH, OW).

    rois (R, 5) holds, for each region, the number of its image and x1, y1, x2, y2: the first and
    last column and row that belong to it, before they are multiplied by `scale` and rounded to
    pixels of x. A region is at least one pixel wide and high, and is cut into OH x OW windows that
    begin at floor(i * size / count) and end before ceil((i + 1) * size / count), each clipped to
    the image. A window outside it, or of an image that is not there, gives 0.
    """

    def roi_pool(self, x: Array, rois: Array, y: Array, mask: Array, scale: float) -> None:
        """y = the largest pixel in each window; mask (int32, as y) = h * W + w of the first such.

        Where there is none mask is -1. NaN and -inf are never larger than anything: a window of
        them gives the lowest float32.
        """
        xp, width = self.xp, x.shape[3]
        y[...] = 0
        mask[...] = -1
        rows = _windows(xp, rois[:, 2], rois[:, 4], scale, y.shape[2], x.shape[2])
        columns = _windows(xp, rois[:, 1], rois[:, 3], scale, y.shape[3], x.shape[3])
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
        """dx (overwritten): each dy is added at the pixel that its mask names; -1 names none."""
        dx[...] = 0
        planes = dx.reshape(*dx.shape[:2], -1)
        region, channel, i, j = self.xp.nonzero(mask >= 0)
        image = rois[:, 0].astype(int)[region]
        place = mask[region, channel, i, j]
        self.xp.add.at(planes, (image, channel, place), dy[region, channel, i, j])


def _windows(xp: Any, first: Array, last: Array, scale: float, count: int, size: int) -> Any:
    """Begin and end of `count` windows along one axis of each region: (R, count, 2) as lists."""
    begin, end = _rounded(xp, first * scale), _rounded(xp, last * scale)
    step = xp.fmax(end - begin + 1, 1)[:, None] / count
    i = xp.arange(count, dtype=first.dtype)
    edges = xp.stack([xp.floor(i * step), xp.ceil((i + 1) * step)], axis=2) + begin[:, None, None]
    return xp.fmin(xp.fmax(edges, 0), size).astype(int).tolist()


def _rounded(xp: Any, a: Array) -> Array:
    """To the nearest integer, halves away from zero."""
    return xp.sign(a) * xp.floor(abs(a) + 0.5)
