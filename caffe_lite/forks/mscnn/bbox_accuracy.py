"""BboxAccuracy: how well predicted codes fit the objects, on the host."""

import numpy as np

from caffe_lite.forks.boxes.codes import decode
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.mscnn._codes import normalization
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_OBJECT_ITSELF = 0.975  # a region that overlaps its object by more is left out


@register("BboxAccuracy")
class BboxAccuracy(Layer):
    """The mean intersection over union of predicted boxes with their objects.

    The second top is that of the regions themselves, before the codes move them.
    Regions of label 0 are left out, and those that overlap their object by more than 0.975. Without
    any other both tops are -1. Runs on the host.

    bottom[0]  codes    (R, 4 C, ...)  of C classes; those of the region's label count
    bottom[1]  rois     (R, 5, ...)    rows (image, x1, y1, x2, y2), both corners inside
    bottom[2]  matches  (R, 6, ...)    rows (label, x1, y1, x2, y2, overlap), as ProposalTarget
                                       gives them
    top[0]     after    (1, 1, 1, 1)
    top[1]     before   (1, 1, 1, 1)   optional

    It has no gradient. Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them.

    Source: zhaoweicai/mscnn

    Example::

        layer { name: "bbox_iou" type: "BboxAccuracy" bottom: "bbox_pred" bottom: "rois"
                bottom: "match_gt_boxes" top: "bbox_iou" top: "bbox_iou_before" }
    """

    bottoms = (3, 3)
    tops = (1, 2)
    no_gradient = (0, 1, 2)
    is_metric = True
    host_side = True
    reads = ("bbox_reg_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._mean, self._deviation = normalization(self)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        count = bottom[0].shape[:1]
        columns = [
            blob.count // count[0] if blob.shape[:1] == count and count else 0 for blob in bottom
        ]
        if columns[0] % 4 or not columns[0] or columns[1:] != [5, 6]:
            raise self.fail(
                "needs codes (R, 4 C), regions (R, 5) and matches (R, 6), got shapes "
                f"{', '.join(str(each.shape) for each in bottom)}"
            )
        for blob in top:
            blob.reshape(1, 1, 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        codes, regions, matches = (
            self.ops.to_host(blob.data).reshape(blob.shape[0], -1) for blob in bottom
        )
        labels = matches[:, 0]
        classes = codes.shape[1] // 4
        counted = (labels > 0) & ~(matches[:, 5] > _OBJECT_ITSELF)
        if (labels[counted] >= classes).any():
            raise self.fail(f"labels must be below {classes}, got {labels[counted].max():g}")
        rows = np.flatnonzero(counted)
        own = codes.reshape(len(codes), classes, 4)[rows, labels[rows].astype(int)]
        priors, objects = regions[rows, 1:], matches[rows, 1:5]
        boxes = decode(np, "CENTER_SIZE", own * self._deviation + self._mean, priors, extent=1)
        boxes[:, 2:] -= 1
        for blob, found in zip(top, (boxes, priors), strict=False):
            blob.data[...] = _mean_overlap(found, objects)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)


def _mean_overlap(boxes: Array, objects: Array) -> float:
    """The mean intersection over union of each pair of rows, -1 without any."""
    if not len(boxes):
        return -1.0
    pairs = zip(boxes[:, None], objects[:, None], strict=True)
    return float(np.mean([iou(np, a, b, extent=1)[0, 0] for a, b in pairs]))
