"""DetectionOutput of YOLO version 2's first port: detections by centre and size, on the host."""

from typing import Any

import numpy as np

from caffe_lite.forks.yolo.yolo_detection_output import YoloDetectionOutput
from caffe_lite.layers.registry import register
from caffe_lite.types import Array

_FIELDS = ("side", "num_box", "coords", "biases", "nms_threshold")


@register("DetectionOutput", when=[f"detection_output_param.{name}" for name in _FIELDS])
class GridDetectionOutput(YoloDetectionOutput):
    """The boxes of YOLO version 2 that score best and overlap no better one.

    Detections are chosen as YoloDetectionOutput chooses them; their rows have another form.

    bottom[i]  predictions  (N, A * (5 + C), H, W)  A = `num_box`, C = `num_classes`; one map or two
    top[0]     detections   (1, 1, K, 7)            rows (image, class, score, x, y, width, height),
                                                    classes from 0, boxes by their centre, best
                                                    score first; no gradient

    Coordinates are fractions of the image. Without any detection the top has a row for each image,
    (image, -1, -1, -1, -1, -1, -1). K changes from batch to batch. Runs on the host.

    Differences from caffe-yolov2: all images of a batch have their detections, there the last one.

    Source: gklz1982/caffe-yolov2

    Example::

        layer { name: "detection_out" type: "DetectionOutput" bottom: "conv" top: "detection_out"
                detection_output_param { num_classes: 3 num_box: 2 confidence_threshold: 0.3
                                         nms_threshold: 0.45 biases: 1.08 biases: 1.19
                                         biases: 3.42 biases: 4.41 } }
    """

    reads = ("detection_output_param",)

    @property
    def options(self) -> Any:
        return self.param.detection_output_param

    def detections(self, maps: list[Array]) -> Array:
        rows = super().detections(maps)
        low, high = rows[:, 2:4], rows[:, 4:6]
        return np.column_stack([rows[:, 0] - 1, rows[:, 1], (low + high) / 2, high - low])
