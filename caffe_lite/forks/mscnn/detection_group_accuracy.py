"""DetectionGroupAccuracy: cells with the right class, and how well boxes fit; on the host."""

import numpy as np

from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.mscnn._groups import GroupLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("DetectionGroupAccuracy")
class DetectionGroupAccuracy(GroupLayer):
    """Says how many cells have their true class as the best, and how well boxes fit.

    The first top is this share of all cells and of those of objects, the second the mean
    intersection over union of the objects' boxes with the predicted ones, both corners inside.
    Cells of the background that overlap an object by `bg_threshold` are left out. Each number is
    -1 without a cell that counts. Runs on the host.

    bottom[0]  scores  (N G, C, H, W)  of C = `cls_num` classes, for each image and each of the G
                                       fields `field_h`, `field_w`
    bottom[1]  codes   (N G, 4, H, W)
    bottom[2]  label   (N G, 6, H, W)  as DetectionGroupLoss takes it
    top[0]     shares  (1, 1, 1, 2)    of all cells, and of objects
    top[1]     iou     (1, 1, 1, 1)    optional

    It has no gradient. Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "accuracy" type: "DetectionGroupAccuracy" bottom: "scores" bottom: "codes"
                bottom: "label" top: "accuracy" top: "iou" detection_group_accuracy_param {
                cls_num: 2 field_h: 22 field_h: 44 field_w: 44 field_w: 22 stride: 8
                objectness: true } }
    """

    tops = (1, 2)
    no_gradient = (0, 1, 2)
    is_metric = True
    reads = ("detection_group_accuracy_param", "bbox_reg_param", "loss_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._param = self.param.detection_group_accuracy_param
        super().setup(bottom, top)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        for blob, count in zip(top, (2, 1), strict=False):
            blob.reshape(1, 1, 1, count)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores, codes, truth, labels = self.read(bottom)
        counted = labels != self.ignored
        objects = counted & (labels > 0)
        counted &= ~((labels == 0) & (truth[:, 5] >= self._param.bg_threshold))
        right = scores.argmax(axis=1) == labels
        for i, chosen in enumerate((counted, objects)):
            top[0].data[..., i] = float(right[chosen].mean()) if chosen.any() else -1.0
        for blob in top[1:]:
            blob.data[...] = self._overlap(codes, truth, objects)

    def _overlap(self, codes: Array, truth: Array, chosen: Array) -> float:
        found = []
        for item in range(len(codes)):
            field = self.fields[item % len(self.fields)]
            x, y, width, height = field.decode(codes[item] * self.deviation + self.mean)
            center, size = truth[item, 1:3], truth[item, 3:5]
            corner = center - size / 2
            mine = np.stack([x, y, x + width - 1, y + height - 1])
            theirs = np.concatenate([corner, corner + size - 1])
            boxes, objects = (each.transpose(1, 2, 0)[chosen[item]] for each in (mine, theirs))
            found += [
                iou(np, a[None], b[None], extent=1)[0, 0]
                for a, b in zip(boxes, objects, strict=True)
            ]
        return float(np.mean(found)) if found else -1.0

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
