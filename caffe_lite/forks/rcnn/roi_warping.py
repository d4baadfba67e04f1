"""ROIWarping: interpolated points of each region, laid out on the host."""

import numpy as np

from caffe_lite.forks.rcnn._regions import rounded
from caffe_lite.forks.rcnn.roi_align import AlignedPooling, point_weights
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("ROIWarping")
class ROIWarping(AlignedPooling):
    """Takes a grid of points of each region, interpolated linearly between four pixels.

    Corners are multiplied by `spatial_scale` and rounded. Point i of n on a side lies at begin +
    i (end - begin) / n. Points more than half a pixel outside the image give 0, as does a region of
    an image that does not exist. Dai, He and Sun, Instance-aware Semantic Segmentation via
    Multi-task Network Cascades, CVPR 2016. The points are computed on the host.

    bottom[0]  x        (N, C, H, W)
    bottom[1]  regions  (R, 5)  rows (image, x1, y1, x2, y2) in pixels of the input image
    top[0]     y        (R, C, pooled_h, pooled_w)

    Differences from MNC: regions take no gradient, there one by the change of the points.

    Source: daijifeng001/caffe-mnc

    Example::

        layer { name: "warp" type: "ROIWarping" bottom: "conv5" bottom: "rois" top: "warped"
                roi_warping_param { pooled_h: 6 pooled_w: 7 spatial_scale: 0.0625 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.roi_warping_param
        self.require_positive(
            pooled_h=param.pooled_h, pooled_w=param.pooled_w, spatial_scale=param.spatial_scale
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        param = self.param.roi_warping_param
        top[0].reshape(bottom[1].shape[0], bottom[0].shape[1], param.pooled_h, param.pooled_w)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.align(bottom, top)

    def windows(self, first: Array, last: Array, count: int, size: int) -> Array:
        scale = first.dtype.type(self.param.roi_warping_param.spatial_scale)
        begin = rounded(first * scale)[:, None]
        step = np.maximum(rounded(last * scale)[:, None] - begin, 0) / count
        return point_weights(begin + np.arange(count) * step, size, margin=0.5)
