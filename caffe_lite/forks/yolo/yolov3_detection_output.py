"""Yolov3DetectionOutput: predictions of YOLO version 3 as a list of detections, on the host."""

from typing import Any

import numpy as np

from caffe_lite.forks.yolo._cell_loss import read_anchors
from caffe_lite.forks.yolo._detections import by_cell, detect, place, sigmoid
from caffe_lite.forks.yolo._output import DetectionOutput
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs

PLAIN = ([0, 1], [2, 3], 4)  # where x, y; width, height; and the score of an object are
GAUSSIAN = ([0, 2], [4, 6], 8)  # behind each of x, y, width and height is its uncertainty


@register("Yolov3DetectionOutput")
class Yolov3DetectionOutput(DetectionOutput):
    """The boxes of YOLO version 3 that score best and overlap no better one.

    Yolov3 says what a box of a cell is. It is a detection of every class of which the score, times
    the score of an object, is above `confidence_threshold`. Boxes that overlap a better one by
    `nms_threshold` or more are dropped, whatever their class.

    bottom[i]  predictions  (N, A * (5 + C), H, W)  A = `num_box`, C = `num_classes`; there are
                                                    `mask_group_num` of them, each with one of
                                                    `anchors_scale` and its part of `mask`
    top[0]     detections   (1, 1, K, 7)            rows (image, label, score, xmin, ymin, xmax,
                                                    ymax), labels from 1, best score first; no
                                                    gradient

    Coordinates are fractions of the image and may leave [0, 1]. Without any detection the top has a
    row for each image, (image, -1, -1, -1, -1, -1, -1). K changes from batch to batch. Runs on the
    host.

    With `gaussian_box` a box has 9 + C numbers: x, y, width and height, each followed by its
    uncertainty u, then as above. The score of an object is multiplied by the mean of 1 - s(u).

    Differences from MobileNet-YOLO: each image of a batch has its own detections; there all are
    those of image 0.

    Source: eric612/MobileNet-YOLO

    Example::

        layer { name: "detection_out" type: "Yolov3DetectionOutput" bottom: "conv1" bottom: "conv2"
                top: "detection_out"
                yolov3_detection_output_param {
                    num_classes: 3 num_box: 2 confidence_threshold: 0.3 mask_group_num: 2
                    biases: 10 biases: 14 biases: 23 biases: 27 biases: 37 biases: 58
                    anchors_scale: 32 anchors_scale: 16
                    mask: 1 mask: 2 mask: 0 mask: 1 } }
    """

    bottoms = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.options
        if not param.HasField("num_classes"):
            raise self.fail("needs num_classes")
        anchors = read_anchors(self, list(param.biases), 1)
        groups, mask = len(bottom), list(param.mask)
        if param.mask_group_num != groups or len(param.anchors_scale) < groups:
            raise self.fail(
                f"mask_group_num and the number of anchors_scale must be that of the bottoms, "
                f"{groups}, got {param.mask_group_num} and {len(param.anchors_scale)}"
            )
        if len(mask) != groups * param.num_box or max(mask, default=0) >= len(anchors):
            raise self.fail(
                f"mask must name {param.num_box} of {len(anchors)} anchors, from 0, for each of "
                f"{groups} bottoms, got {mask}"
            )
        self.anchors = anchors[mask].reshape(groups, -1, 2)

    @property
    def options(self) -> Any:
        return self.param.yolov3_detection_output_param

    @property
    def numbers(self) -> int:
        return 9 if self.options.gaussian_box else 5

    def detections(self, maps: list[Array]) -> Array:
        param = self.options
        position, size, object_at = GAUSSIAN if param.gaussian_box else PLAIN
        labels, scores, boxes = [], [], []
        for each, anchors, cell in zip(maps, self.anchors, param.anchors_scale, strict=False):
            x = by_cell(each, param.num_box)
            found = sigmoid(x[..., object_at])
            if param.gaussian_box:
                found = found * (1 - sigmoid(x[..., 1:8:2]).mean(axis=-1))
            product = sigmoid(x[..., object_at + 1 :]) * found[..., None]
            placed = place(sigmoid(x[..., position]), x[..., size], anchors, cell)
            *at, kind = np.nonzero(product > param.confidence_threshold)  # NaN is not
            labels.append(kind + 1)
            scores.append(product[*at, kind])
            boxes.append(placed[tuple(at)])
        label, score, box = (np.concatenate(each) for each in (labels, scores, boxes))
        return detect(label, score, box, param.nms_threshold)
