"""HardMining: the regions of each image with the largest losses, on the host."""

import numpy as np

from caffe_lite.forks.mscnn._rows import RowChoice
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("HardMining")
class HardMining(RowChoice):
    """Passes on the `num_roi_per_image` regions of each image that have the largest loss.

    Where an image has fewer, others take its place, those of the largest losses among all that are
    left, up to num_image * num_roi_per_image. Runs on the host.

    bottom[0]  loss  (R, ...)     one number for each region
    bottom[1]  rois  (R, 5, ...)  rows (image, x1, y1, x2, y2); images from 0 to num_image - 1
    bottom[i]  x_i   (R, ...)     any number of blobs of as many rows
    top[0]     rois  (K, 5, ...)  in the order of the bottom
    top[i]     y_i   (K, ...)     the same rows of x_(i + 1)

    It has no gradient. Of equal losses the first region counts.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "hard" type: "HardMining" bottom: "loss" bottom: "rois" bottom: "labels"
                top: "hard_rois" top: "hard_labels"
                hard_mining_param { num_roi_per_image: 2 num_image: 2 } }
    """

    bottoms = (2, None)
    first_copied = 1

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.hard_mining_param
        if not param.num_roi_per_image or not param.num_image:
            raise self.fail("num_roi_per_image and num_image must be at least 1")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[0].count != bottom[0].shape[0]:
            raise self.fail(f"needs one loss for each region, got shape {bottom[0].shape}")

    def choose(self, bottom: Blobs, regions: Array) -> Array:
        param = self.param.hard_mining_param
        images = regions[:, 0]
        if not np.isin(images, np.arange(param.num_image)).all():
            raise self.fail(
                f"images of regions must be from 0 to {param.num_image - 1} (num_image), got "
                f"{images[~np.isin(images, np.arange(param.num_image))][0]:g}"
            )
        order = np.argsort(-self.ops.to_host(bottom[0].data).reshape(-1), kind="stable")
        first = [order[images[order] == i][: param.num_roi_per_image] for i in np.unique(images)]
        kept = np.concatenate(first)
        wanted = min(param.num_image * param.num_roi_per_image, len(images))
        others = order[~np.isin(order, kept)][: wanted - len(kept)]
        return np.sort(np.concatenate([kept, others]))
