"""DecodeBBox: the regions of Cascade R-CNN's next stage, on the host."""

import numpy as np

from caffe_lite.forks.boxes.codes import decode
from caffe_lite.forks.mscnn._codes import normalization
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("DecodeBBox")
class DecodeBBox(Layer):
    """Moves regions by predicted codes, for the next stage of a cascade.

    While training, regions whose corners come out in the wrong order are left out, and those that
    overlap their object by `gt_iou_thr` if bottom[2] gives the overlaps: these are objects
    themselves. Cai and Vasconcelos, Cascade R-CNN, CVPR 2018. Runs on the host.

    bottom[0]  codes    (R, 8, ...)  of background and objects; the objects' count
    bottom[1]  rois     (R, 5, ...)  rows (image, x1, y1, x2, y2), both corners inside
    bottom[2]  matches  (R, 6, ...)  optional, while training alone: as ProposalTarget gives them
    top[0]     rois     (K, 5, 1, 1)

    It has no gradient. Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "rois_2nd" type: "DecodeBBox" bottom: "bbox_pred" bottom: "rois"
                top: "rois_2nd" bbox_reg_param { bbox_mean: 0 bbox_mean: 0 bbox_mean: 0
                bbox_mean: 0 bbox_std: 0.1 bbox_std: 0.1 bbox_std: 0.2 bbox_std: 0.2 } }
    """

    bottoms = (2, 3)
    tops_without_gradient = (0,)
    host_side = True
    reads = ("decode_bbox_param", "bbox_reg_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._mean, self._deviation = normalization(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        count = bottom[0].shape[:1]
        for blob, columns in zip(bottom, (8, 5, 6), strict=False):
            if blob.shape[:1] != count or not count or blob.count != count[0] * columns:
                raise self.fail(
                    "needs codes (R, 8), regions (R, 5) and perhaps matches (R, 6), got shapes "
                    f"{', '.join(str(each.shape) for each in bottom)}"
                )
        if len(bottom) > 2 and not self.train:
            raise self.fail("takes matches (bottom[2]) while training alone")
        top[0].reshape(count[0], 5, 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        codes, regions, *matches = (
            self.ops.to_host(blob.data).reshape(blob.shape[0], -1) for blob in bottom
        )
        offsets = codes[:, 4:] * self._deviation + self._mean
        boxes = decode(np, "CENTER_SIZE", offsets, regions[:, 1:], extent=1)
        boxes[:, 2:] -= 1
        kept = np.ones(len(boxes), bool)
        if self.train:
            kept &= ~(boxes[:, :2] > boxes[:, 2:]).any(axis=1)
        for rows in matches:
            kept &= ~(rows[:, -1] >= self.param.decode_bbox_param.gt_iou_thr)
        if not kept.any():
            raise self.fail(
                "no region is left: all are objects, or have corners in the wrong order"
            )
        found = np.column_stack([regions[:, 0], boxes])[kept]
        top[0].reshape(len(found), 5, 1, 1)
        self.ops.copy_to_device(found.astype(self.ops.dtype), top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
