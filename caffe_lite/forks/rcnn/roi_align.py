"""ROIAlign: means of interpolated points in windows of each region, laid out on the host."""

import numpy as np

from caffe_lite.forks.rcnn._regions import Crop, RegionLayer, crops
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_MOST_POINTS = 16  # in a window, for each pixel of the image's side


class AlignedPooling(RegionLayer):
    """Base of layers whose windows are weighted sums of rows and columns of a region's image."""

    host_side = True

    def windows(self, first: Array, last: Array, count: int, size: int) -> Array:
        """The weight (R, count, size) of each of `size` pixels in each window along one side.

        `first` and `last` (R,) are the sides of the regions in pixels of the input image.
        """
        raise NotImplementedError(f"{type(self).__name__}.windows")

    def align(self, bottom: Blobs, top: Blobs) -> None:
        """The forward pass."""
        regions = self.ops.to_host(self.region_rows(bottom))
        images, _, height, width = bottom[0].shape
        rows = self.windows(regions[:, 2], regions[:, 4], top[0].shape[2], height)
        columns = self.windows(regions[:, 1], regions[:, 3], top[0].shape[3], width)
        self._crops = list(crops(regions[:, 0].astype(int), rows, columns, images))
        x, y = bottom[0].data, top[0].data
        y[...] = 0
        for crop in self._crops:
            rows, columns = self._weights(crop)
            part = x[crop.image][:, crop.rows, crop.columns]
            self.xp.matmul(rows, self.xp.matmul(part, columns.T), out=y[crop.region])

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.zero_regions(propagate_down, bottom)
        if not propagate_down[0]:
            return
        dx, dy = bottom[0].diff, top[0].diff
        dx[...] = 0
        for crop in self._crops:
            rows, columns = self._weights(crop)
            part = dx[crop.image][:, crop.rows, crop.columns]
            part += self.xp.matmul(self.xp.matmul(rows.T, dy[crop.region]), columns)

    def _weights(self, crop: Crop) -> tuple[Array, Array]:
        return self.ops.asarray(crop.row_weights), self.ops.asarray(crop.column_weights)


@register("ROIAlign")
class ROIAlign(AlignedPooling):
    """Divides each region into windows and takes the mean of interpolated points of each.

    Corners are multiplied by `spatial_scale` and not rounded; a region is at least one pixel of x
    wide and high. A window of h x w pixels has ceil(h) x ceil(w) points, evenly spaced, whose
    values are interpolated linearly between four pixels. Points more than one pixel outside the
    image give 0, as does a region of an image that does not exist. He et al., Mask R-CNN, ICCV
    2017. The points are computed on the host.

    bottom[0]  x        (N, C, H, W)
    bottom[1]  regions  (R, 5)  rows (image, x1, y1, x2, y2) in pixels of the input image; no
                                gradient
    top[0]     y        (R, C, pooled_h, pooled_w)

    Differences from other programs: forks of Caffe have the message without one implementation;
    this is what ncnn makes of it. A pixel that is NaN or infinite can reach all windows of its
    region. With `roi_pooling_param` the type is MS-CNN's.

    Source: Tencent/ncnn, xxradon/PytorchToCaffe

    Example::

        layer { name: "roi_align" type: "ROIAlign" bottom: "conv5" bottom: "rois" top: "aligned"
                roi_align_param { pooled_h: 6 pooled_w: 7 spatial_scale: 0.0625 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.roi_align_param
        self.require_positive(
            pooled_h=param.pooled_h, pooled_w=param.pooled_w, spatial_scale=param.spatial_scale
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        param = self.param.roi_align_param
        top[0].reshape(bottom[1].shape[0], bottom[0].shape[1], param.pooled_h, param.pooled_w)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.align(bottom, top)

    def windows(self, first: Array, last: Array, count: int, size: int) -> Array:
        scale = self.param.roi_align_param.spatial_scale
        begin = first * scale
        step = np.maximum(last * scale - begin, 1) / count
        weights = np.zeros((len(first), count, size))
        numbers = np.minimum(np.ceil(step), _MOST_POINTS * size)  # NaN where a region has NaN
        for points in np.unique(numbers[np.isfinite(numbers)]).astype(int):
            chosen = np.flatnonzero(numbers == points)
            at = np.arange(count)[:, None] + (np.arange(points) + 0.5) / points  # in windows
            places = begin[chosen, None, None] + at * step[chosen, None, None]
            weights[chosen] = point_weights(places, size).mean(axis=2)
        return weights


def point_weights(places: Array, size: int, margin: float = 1) -> Array:
    """The weights (..., size) of pixels in points at `places` (...), interpolated linearly.

    Points up to `margin` pixels outside take the value at the edge, others have no weights.
    """
    inside = (places >= -margin) & (places <= size - 1 + margin)
    distance = np.abs(np.clip(places, 0, size - 1)[..., None] - np.arange(size))
    return np.where(inside[..., None], np.maximum(1 - distance, 0), 0)
