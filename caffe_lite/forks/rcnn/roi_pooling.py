"""ROIPooling: the largest value in each window of each region."""

from caffe_lite.forks.rcnn._regions import RegionLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("ROIPooling")
class ROIPooling(RegionLayer):
    """Divides each region into windows and takes the largest value of each.

    Corners are multiplied by `spatial_scale` and rounded to pixels of x; a region is at least one
    pixel wide and high. It is divided into `pooled_h` x `pooled_w` windows that may share a row or
    column. Windows are cut to the image; an empty one gives 0, as does a region of an image that
    does not exist. Girshick, Fast R-CNN, ICCV 2015.

    bottom[0]  x        (N, C, H, W)
    bottom[1]  regions  (R, 5)  rows (image, x1, y1, x2, y2) in pixels of the input image, both
                                corners inside; no gradient
    top[0]     y        (R, C, pooled_h, pooled_w)

    `pooled_size` gives one number for both sides, or height and width (Intel). With `pad_ratio`
    each side moves outwards by that part of the region's size (MS-CNN).

    Differences from MS-CNN: the gradient of regions that reach out of the image is that of the
    forward pass; there it belongs to regions cut to the image.

    Source: rbgirshick/caffe-fast-rcnn, intel/caffe, zhaoweicai/mscnn

    Example::

        layer { name: "roi_pool5" type: "ROIPooling" bottom: "conv5" bottom: "rois" top: "pool5"
                roi_pooling_param { pooled_h: 6 pooled_w: 7 spatial_scale: 0.0625 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.roi_pooling_param
        sizes = list(param.pooled_size)
        if sizes and (param.pooled_h or param.pooled_w or len(sizes) > 2):
            raise self.fail(
                "pooled_size takes one number, or height and width, without pooled_h and pooled_w; "
                f"got {sizes}"
            )
        height, width = (sizes[0], sizes[-1]) if sizes else (param.pooled_h, param.pooled_w)
        self.require_positive(pooled_h=height, pooled_w=width, spatial_scale=param.spatial_scale)
        self._size = (height, width)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        top[0].reshape(bottom[1].shape[0], bottom[0].shape[1], *self._size)
        self._mask = self.ops.empty(top[0].shape, "int32")
        self._padded = self.ops.empty((bottom[1].shape[0], 5))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.roi_pooling_param
        regions = self.region_rows(bottom)
        if param.pad_ratio:
            regions = self._pad(regions, param.pad_ratio)
        self._pooled = regions
        self.ops.roi_pool(bottom[0].data, regions, top[0].data, self._mask, param.spatial_scale)

    def _pad(self, regions: Array, ratio: float) -> Array:
        padded = self._padded
        padded[...] = regions
        padded[:, 1:3] -= (regions[:, 3:5] - regions[:, 1:3] + 1) * ratio
        padded[:, 3:5] += (regions[:, 3:5] - regions[:, 1:3] + 1) * ratio
        return padded

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.zero_regions(propagate_down, bottom)
        if propagate_down[0]:
            self.ops.roi_pool_grad(top[0].diff, self._pooled, self._mask, bottom[0].diff)
