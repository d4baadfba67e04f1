"""PSROIPooling: averages of windows, each from its own channels, laid out on the host."""

import numpy as np

from caffe_lite.forks.rcnn._regions import Crop, RegionLayer, crops, rounded
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("PSROIPooling")
class PSROIPooling(RegionLayer):
    """Divides each region into k x k windows and takes the mean of each from its own channels:
    y[r, d, i, j] = mean of x[image of r, (d * k + i) * k + j] over window (i, j).

    A region reaches from round(x1) * scale to (round(x2) + 1) * scale, at least 0.1 pixels of x.
    Windows are enlarged to whole pixels and cut to the image; an empty one gives 0, as does a
    region of an image that does not exist. Dai et al., R-FCN, NIPS 2016. The windows are computed
    on the host.

    bottom[0]  x        (N, D k k, H, W)  D = `output_dim`, k = `group_size`
    bottom[1]  regions  (R, 5)  rows (image, x1, y1, x2, y2) in pixels of the input image, both
                                corners inside; no gradient
    top[0]     y        (R, D, k, k)

    Differences from R-FCN: a pixel that is NaN or infinite can reach all windows of its region.

    Source: daijifeng001/caffe-rfcn

    Example::

        layer { name: "psroipooled_cls" type: "PSROIPooling" bottom: "rfcn_cls" bottom: "rois"
                top: "psroipooled_cls"
                psroi_pooling_param { spatial_scale: 0.0625 output_dim: 2 group_size: 3 } }
    """

    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.psroi_pooling_param
        self.require_positive(
            spatial_scale=param.spatial_scale,
            output_dim=param.output_dim,
            group_size=param.group_size,
        )
        self._dim, self._side = param.output_dim, param.group_size

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        images, channels, height, width = bottom[0].shape
        dim, side = self._dim, self._side
        if channels != dim * side * side:
            raise self.fail(
                f"needs output_dim * group_size^2 = {dim * side * side} channels, the bottom of "
                f"shape {bottom[0].shape} has {channels}"
            )
        self._view = (images, dim, side, side, height, width)
        top[0].reshape(bottom[1].shape[0], dim, side, side)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scale = self.param.psroi_pooling_param.spatial_scale
        regions = self.ops.to_host(self.region_rows(bottom))
        height, width = self._view[4:]
        rows = _window_means(regions[:, 2], regions[:, 4], scale, self._side, height)
        columns = _window_means(regions[:, 1], regions[:, 3], scale, self._side, width)
        self._crops = list(crops(regions[:, 0].astype(int), rows, columns, self._view[0]))
        x, y, xp = bottom[0].data.reshape(self._view), top[0].data, self.xp
        y[...] = 0
        for crop in self._crops:
            rows, columns = self._weights(crop)
            part = x[crop.image][..., crop.rows, crop.columns]
            across = xp.matmul(part, columns[:, :, None])[..., 0]  # (D, k, k, rows)
            across *= rows[:, None]
            xp.sum(across, axis=3, out=y[crop.region])

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.zero_regions(propagate_down, bottom)
        if not propagate_down[0]:
            return
        bottom[0].diff[...] = 0
        dx, dy = bottom[0].diff.reshape(self._view), top[0].diff
        for crop in self._crops:
            rows, columns = self._weights(crop)
            window = rows[:, None, :, None] * columns[:, None, :]  # (k, k, rows, columns)
            part = dx[crop.image][..., crop.rows, crop.columns]
            part += dy[crop.region][..., None, None] * window

    def _weights(self, crop: Crop) -> tuple[Array, Array]:
        return self.ops.asarray(crop.row_weights), self.ops.asarray(crop.column_weights)


def _window_means(first: Array, last: Array, scale: float, count: int, size: int) -> Array:
    """The weight (R, count, size) of each pixel in the mean of each window along one side."""
    begin = rounded(first) * scale
    length = np.maximum((rounded(last) + 1) * scale - begin, 0.1)
    step = (length / count).astype(first.dtype)[:, None]
    i = np.arange(count, dtype=first.dtype)
    begins = np.clip(np.floor(i * step + begin[:, None]), 0, size)[..., None]
    ends = np.clip(np.ceil((i + 1) * step + begin[:, None]), 0, size)[..., None]
    pixel = np.arange(size)
    return ((pixel >= begins) & (pixel < ends)) / np.maximum(ends - begins, 1)
