"""YoloDetectionOutput: predictions of YOLO version 2 as a list of detections, on the host."""

from typing import Any

import numpy as np

from caffe_lite.forks.yolo._cell_loss import read_anchors
from caffe_lite.forks.yolo._detections import by_cell, detect, place, sigmoid, softmax
from caffe_lite.forks.yolo._output import DetectionOutput
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("YoloDetectionOutput")
class YoloDetectionOutput(DetectionOutput):
    """The boxes of YOLO version 2 that score best and overlap no better one.

    RegionLoss says what a box of a cell is. A detection has the class of the largest softmax and
    scores that times the score of an object, at least `confidence_threshold`. Boxes that overlap a
    better one by `nms_threshold` or more are dropped, whatever their class.

    bottom[i]  predictions  (N, A * (5 + C), H, W)  A = `num_box`, C = `num_classes`; one map or two
    top[0]     detections   (1, 1, K, 7)            rows (image, label, score, xmin, ymin, xmax,
                                                    ymax), labels from 1, best score first; no
                                                    gradient

    Coordinates are fractions of the image and may leave [0, 1]. Without any detection the top has a
    row for each image, (image, -1, -1, -1, -1, -1, -1). K changes from batch to batch. Runs on the
    host.

    Differences from MobileNet-YOLO: each image of a batch has its own detections; there all are
    those of image 0.

    Source: eric612/MobileNet-YOLO

    Example::

        layer { name: "detection_out" type: "YoloDetectionOutput" bottom: "conv"
                top: "detection_out"
                yolo_detection_output_param { num_classes: 3 num_box: 2 confidence_threshold: 0.3
                                              biases: 1.08 biases: 1.19
                                              biases: 3.42 biases: 4.41 } }
    """

    bottoms = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.options
        if not param.HasField("num_classes"):
            raise self.fail("needs num_classes")
        self.anchors = read_anchors(self, list(param.biases), param.num_box)[: param.num_box]

    @property
    def options(self) -> Any:
        return self.param.yolo_detection_output_param

    def detections(self, maps: list[Array]) -> Array:
        param = self.options
        labels, scores, boxes = [], [], []
        for each in maps:
            x = by_cell(each, param.num_box)
            classes = softmax(x[..., 5:])
            product = sigmoid(x[..., 4]) * classes.max(axis=-1)
            chosen = product >= param.confidence_threshold  # NaN is not
            labels.append(classes.argmax(axis=-1)[chosen] + 1)
            scores.append(product[chosen])
            boxes.append(place(sigmoid(x[..., :2]), x[..., 2:4], self.anchors)[chosen])
        label, score, box = (np.concatenate(each) for each in (labels, scores, boxes))
        return detect(label, score, box, param.nms_threshold)
