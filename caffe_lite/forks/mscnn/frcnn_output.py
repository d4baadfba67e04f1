"""FrcnnOutput: the detections of Cascade R-CNN, on the host."""

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.forks.boxes.codes import decode
from caffe_lite.forks.boxes.nms import rank
from caffe_lite.forks.mscnn._codes import normalization
from caffe_lite.forks.mscnn.box_output import OVERLAPS, suppressed
from caffe_lite.forks.ssd._results import Results, check_format
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, LayerParameter


@register("FrcnnOutput")
class FrcnnOutput(Layer):
    """The objects of an image, from class probabilities and codes of its regions.

    For each class but the background, the regions of a probability of `conf_thr` are moved by their
    codes and cut to the image; those that overlap a better one by more than `iou_thr` are dropped
    (`nms_type` IOU, IOMU: over the smaller box, IOFU: over the better). The `max_det_num` best of
    all remain, all if it is 0. Cai and Vasconcelos, Cascade R-CNN, CVPR 2018. Runs on the host.

    bottom[0]  prob        (R, C, ...)      the background's first
    bottom[1]  codes       (R, 4 C, ...)    for each class; with cls_aware: false (R, 8, ...), those
                                            of background and objects
    bottom[2]  rois        (R, 5, ...)      rows (0, x1, y1, x2, y2), both corners inside, and
                                            perhaps a score that is not read: a batch of one image
    bottom[3]  size        (1, 2, ...)      height and width of the image
    top[0]     detections  (1 + K, 7, 1, 1) rows (0, x1, y1, x2, y2, class, score), by class, best
                                            first; the first row is (0, -1, -1, -1, -1, -1, -1)

    It has no gradient; K changes from image to image. Codes are (code - bbox_mean) / bbox_std if
    `bbox_reg_param` gives them. With all of `output_directory`, `label_map_file` and
    `name_size_file`, `save_output_param` writes files as DetectionOutput does.

    Differences from Cascade R-CNN: files of an earlier run in the folder are replaced one by one,
    the others stay.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "out" type: "FrcnnOutput" bottom: "prob" bottom: "codes" bottom: "rois"
                bottom: "size" top: "out" frcnn_output_param { conf_thr: 0.01 iou_thr: 0.5 } }
    """

    bottoms = (4, 4)
    tops_without_gradient = (0,)
    host_side = True
    varying_axis = 0
    reads = ("frcnn_output_param", "bbox_reg_param")

    @classmethod
    def overwrites(cls, param: LayerParameter) -> str:
        folder = param.frcnn_output_param.save_output_param.output_directory
        return f'files in the folder "{folder}"' if _saves(param) else ""

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.frcnn_output_param
        if param.nms_type not in OVERLAPS:
            raise self.fail(f"nms_type must be IOU, IOMU or IOFU, got {param.nms_type}")
        self._mean, self._deviation = normalization(self)
        self._results: Results | None = None
        if _saves(self.param):
            try:
                check_format(param.save_output_param.output_format)
            except CaffeError as error:
                raise self.fail(f"save_output_param: {error}") from error

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        prob, codes, rois, size = (blob.shape for blob in bottom)
        count = prob[0] if prob else 0
        classes = bottom[0].count // max(count, 1)
        columns = 4 * classes if self.param.bbox_reg_param.cls_aware else 8
        good = codes[:1] == rois[:1] == (count,) and bottom[1].count == count * columns
        if not good or bottom[2].count not in (count * 5, count * 6) or bottom[3].count != 2:
            raise self.fail(
                f"needs probabilities (R, C), codes (R, {columns}), regions (R, 5) and a size "
                f"(1, 2), got shapes {prob}, {codes}, {rois} and {size}"
            )
        if not top[0].count or top[0].shape[1:] != (7, 1, 1):
            top[0].reshape(1, 7, 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        prob, codes, rois, size = (
            self.ops.to_host(blob.data).reshape(blob.shape[0], -1) for blob in bottom
        )
        if (rois[:, 0] != 0).any():
            raise self.fail("takes one image, whose regions have number 0")
        height, width = size.reshape(-1).astype(float)
        found = self._find(prob.astype(float), codes, rois[:, 1:5], (width, height))
        rows = np.insert(found, 0, 0, axis=1)
        none = np.array([[0, *[-1] * 6]], float)
        top[0].reshape(1 + len(rows), 7, 1, 1)
        self.ops.copy_to_device(
            np.concatenate([none, rows]).astype(self.ops.dtype).reshape(top[0].shape), top[0].data
        )
        if _saves(self.param):
            self._save(found, np.array([width, height] * 2))

    def _find(self, prob: Array, codes: Array, rois: Array, size: tuple[float, float]) -> Array:
        """Rows (x1, y1, x2, y2, class, score), by class, best first."""
        param = self.param.frcnn_output_param
        aware = self.param.bbox_reg_param.cls_aware
        found = [np.empty((0, 6))]
        for kind in range(1, prob.shape[1]):
            chosen = np.flatnonzero(prob[:, kind] >= param.conf_thr)
            chosen = chosen[rank(prob[chosen, kind])]
            column = 4 * (kind if aware else 1)
            offsets = codes[chosen, column : column + 4] * self._deviation + self._mean
            boxes = decode(np, "CENTER_SIZE", offsets, rois[chosen], extent=1)
            boxes[:, 2:] -= 1
            boxes = np.maximum(boxes, [0, 0, -np.inf, -np.inf])
            boxes = np.minimum(boxes, [np.inf, np.inf, *size])
            kept = suppressed(boxes, param.iou_thr, param.nms_type, extent=1)
            scores = prob[chosen[kept], kind]
            found.append(np.column_stack([boxes[kept], np.full(len(kept), kind), scores]))
        rows = np.concatenate(found)
        if 0 < param.max_det_num < len(rows):
            rows = rows[np.sort(rank(rows[:, 5], param.max_det_num))]
        return rows

    def _save(self, found: Array, sizes: Array) -> None:
        param = self.param.frcnn_output_param.save_output_param
        try:
            if self._results is None:
                self._results = Results(param, background=0)
            self._results.add(np.column_stack([found[:, 4:], found[:, :4] / sizes]))
        except CaffeError as error:
            raise self.fail(f"save_output_param: {error}") from error

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)


def _saves(param: LayerParameter) -> bool:
    own = param.frcnn_output_param.save_output_param
    return bool(own.output_directory and own.label_map_file and own.name_size_file)
