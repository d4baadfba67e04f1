"""ROIAlign as Cascade R-CNN has it: points of a grid over each region, laid out on the host."""

import numpy as np

from caffe_lite.forks.rcnn.roi_align import AlignedPooling
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("ROIAlign", when=["roi_pooling_param"])
class GridAlign(AlignedPooling):
    """Interpolates x at the corners of the windows that a region is divided into.

    Corners of regions are multiplied by `spatial_scale`; pixel (0, 0) of x has its centre at
    (0.5, 0.5). The `pooled_h` x `pooled_w` windows have (pooled_h + 1) x (pooled_w + 1) corners. A
    point outside the image gives 0, as does a region without area or of an image that does not
    exist. An average pooling of 2 x 2 with stride 1 usually follows. The points are computed on the
    host.

    bottom[0]  x        (N, C, H, W)
    bottom[1]  regions  (R, 5)  rows (image, x1, y1, x2, y2) in pixels of the input image; no
                                gradient
    top[0]     y        (R, C, pooled_h + 1, pooled_w + 1)

    With `pad_ratio` each side moves outwards by that part of the region's size.

    Differences from Cascade R-CNN: a pixel that is NaN or infinite can reach all points of its
    region.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "roi_align" type: "ROIAlign" bottom: "conv5" bottom: "rois" top: "aligned"
                roi_pooling_param { pooled_h: 6 pooled_w: 7 spatial_scale: 0.0625 } }
    """

    type = "ROIAlign"
    reads = ("roi_pooling_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.roi_pooling_param
        self.require_positive(
            pooled_h=param.pooled_h, pooled_w=param.pooled_w, spatial_scale=param.spatial_scale
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        param = self.param.roi_pooling_param
        size = (param.pooled_h + 1, param.pooled_w + 1)
        top[0].reshape(bottom[1].shape[0], bottom[0].shape[1], *size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.align(bottom, top)

    def windows(self, first: Array, last: Array, count: int, size: int) -> Array:
        param = self.param.roi_pooling_param
        pad = (last - first + 1) * param.pad_ratio
        begin = (first - pad) * param.spatial_scale - 0.5
        length = (last + pad) * param.spatial_scale - 0.5 - begin
        places = begin[:, None] + np.arange(count) * (length / (count - 1))[:, None]
        inside = (places >= -0.5) & (places <= size - 0.5) & (length > 0)[:, None]
        distance = np.abs(np.clip(places, 0, size - 1)[..., None] - np.arange(size))
        return np.where(inside[..., None], np.maximum(1 - distance, 0), 0)
