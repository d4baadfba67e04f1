"""BoxAnnotatorOHEM: online hard example mining over regions, on the host."""

import numpy as np

from caffe_lite.forks.boxes.nms import rank
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("BoxAnnotatorOHEM")
class BoxAnnotatorOHEM(Layer):
    """Keeps the labels and weights of the `roi_per_img` regions of largest loss of each image.

    The label of the other regions becomes `ignore_label`, their weights 0. Shrivastava et al.,
    Training Region-based Object Detectors with Online Hard Example Mining, CVPR 2016. Runs on the
    host.

    bottom[0]  regions  (R, 5, ...)  rows (image, x1, y1, x2, y2)
    bottom[1]  loss     (R, 1, ...)  of each region, whatever its label
    bottom[2]  labels   (R, 1, ...)
    bottom[3]  weights  (R, B, ...)  of the box codes
    top[0]     labels   (R, 1, H, W)
    top[1]     weights  (R, B, H, W)

    It has no gradient. Differences from R-FCN: equal losses go by the index of the region, where
    R-FCN's order is open; regions whose loss is NaN come last.

    Source: daijifeng001/caffe-rfcn

    Example::

        layer { name: "annotator" type: "BoxAnnotatorOHEM" bottom: "rois" bottom: "per_roi_loss"
                bottom: "labels" bottom: "bbox_weights" top: "labels_ohem" top: "weights_ohem"
                box_annotator_ohem_param { roi_per_img: 128 } }
    """

    bottoms = (4, 4)
    tops = (2, 2)
    no_gradient = (0, 1, 2, 3)
    tops_without_gradient = (0, 1)
    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not self.param.box_annotator_ohem_param.roi_per_img:
            raise self.fail("needs roi_per_img, the number of regions that keep their labels")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [(*blob.shape, 1, 1, 1)[:4] for blob in bottom]
        count, place = shapes[0][:1], shapes[0][2:]
        channels = (5, 1, 1, shapes[3][1])
        if any(
            shape != (*count, each, *place) for shape, each in zip(shapes, channels, strict=True)
        ):
            raise self.fail(
                "needs regions (R, 5), a loss and a label (R, 1) for each and weights (R, B), got "
                f"shapes {', '.join(str(blob.shape) for blob in bottom)}"
            )
        top[0].reshape(*shapes[2])
        top[1].reshape(*shapes[3])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.box_annotator_ohem_param
        regions, loss = (self.ops.to_host(blob.data) for blob in bottom[:2])
        images = regions.reshape(len(regions), 5, -1)[:, 0].reshape(-1).astype(int)
        order = rank(loss.reshape(-1))
        kept = np.zeros(loss.size, bool)
        for image in np.unique(images):
            kept[order[images[order] == image][: param.roi_per_img]] = True
        easy = self.ops.asarray(~kept.reshape(top[0].shape), bool)
        for blob, out, value in zip(bottom[2:], top, (param.ignore_label, 0), strict=True):
            out.data[...] = blob.data.reshape(out.shape)
            self.xp.copyto(out.data, value, where=easy)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
