"""DetectionAccuracy: cells with the right class, and how well boxes fit; on the host."""

import numpy as np

from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.mscnn._cells import CellLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("DetectionAccuracy")
class DetectionAccuracy(CellLayer):
    """Says how many cells have their true class among the `top_k` best, and how well boxes fit.

    The first top is this share of all cells and of those of objects, the second the mean
    intersection over union of the objects' boxes with the predicted ones.
    Cells of the background that overlap an object by `bg_threshold` are left out. Each number is
    -1 without a cell that counts. Runs on the host.

    bottom[0]  map     (N, C + 4, H, W)  scores of C = `cls_num` classes, then codes
    bottom[1]  label   (N, 6, H, W)      class, x, y, width and height of the object's box about its
                                         centre, in pixels, and the overlap with it
    top[0]     shares  (1, 1, 1, 2)      of all cells, and of objects
    top[1]     iou     (1, 1, 1, 1)      optional

    It has no gradient. Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them.

    Source: zhaoweicai/mscnn

    Example::

        layer { name: "accuracy" type: "DetectionAccuracy" bottom: "map" bottom: "label"
                top: "accuracy" top: "iou" detection_accuracy_param { cls_num: 3 field_h: 40
                field_w: 40 downsample_rate: 8 } }
    """

    tops = (1, 2)
    no_gradient = (0, 1)
    is_metric = True
    reads = ("detection_accuracy_param", "bbox_reg_param", "loss_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._param = self.param.detection_accuracy_param
        super().setup(bottom, top)
        if not 1 <= self._param.top_k <= self._param.cls_num:
            raise self.fail(
                f"top_k must be from 1 to cls_num ({self._param.cls_num}), got {self._param.top_k}"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        for blob, count in zip(top, (2, 1), strict=False):
            blob.reshape(1, 1, 1, count)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        values, truth, labels = self.read(bottom)
        scores, codes = values[:, :-4], values[:, -4:]
        counted = labels != self.ignored
        counted &= ~((labels == 0) & (truth[:, 5] >= self._param.bg_threshold))
        index = np.where(counted, labels, 0)[:, None]
        own = np.take_along_axis(scores, index, axis=1)
        classes = np.arange(scores.shape[1])[:, None, None]
        # Of equal scores the higher class comes first, as in the fork.
        better = (scores > own) | ((scores == own) & (classes > index))
        right = better.sum(axis=1) < self._param.top_k
        for i, chosen in enumerate((counted, counted & (labels > 0))):
            top[0].data[..., i] = float(right[chosen].mean()) if chosen.any() else -1.0
        for blob in top[1:]:
            blob.data[...] = self._overlap(codes, truth, counted & (labels > 0))

    def _overlap(self, codes: Array, truth: Array, chosen: Array) -> float:
        found = []
        for image in range(len(codes)):
            x, y, width, height = self.decode(codes[image])
            boxes = np.stack([x, y, x + width, y + height], axis=-1)[chosen[image]]
            center, size = truth[image, 1:3], truth[image, 3:5]
            corners = np.concatenate([center - size / 2, center + size / 2])
            objects = corners.transpose(1, 2, 0)[chosen[image]]
            found += [iou(np, a[None], b[None])[0, 0] for a, b in zip(boxes, objects, strict=True)]
        return float(np.mean(found)) if found else -1.0

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
