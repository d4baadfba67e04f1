"""DetectionEvaluate: detections judged by the ground truth."""

from caffe_lite.errors import CaffeError
from caffe_lite.forks.ssd._judge import DETECTION, Judge, as_rows, read_detections
from caffe_lite.forks.ssd._lists import read_name_sizes
from caffe_lite.forks.ssd._truths import COLUMNS, find_fault, read_truths
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("DetectionEvaluate")
class DetectionEvaluate(Layer):
    """Says of each detection whether it is true, and counts the objects that are to be found.

    Detections of an image and label are taken in descending order of score. One is true if the
    ground truth that it overlaps most is not taken yet, and their intersection over union is at
    least `overlap_threshold`; else it is false. With `evaluate_difficult_gt: false` difficult
    objects are not counted, and a detection of one is neither true nor false. A solver with
    `eval_type: "detection"` makes the mean average precision of these rows.

    bottom[0]  detections  (1, 1, K, 7)  rows (image, label, score, xmin, ymin, xmax, ymax), as
                                         DetectionOutput gives them; label -1: not a detection
    bottom[1]  truth       (1, 1, G, 8)  rows (image, label, instance, xmin, ymin, xmax, ymax,
                                         difficult); image -1: not a box
    top[0]     judged      (1, 1, R, 5)  for each class but the background a row (-1, label, number
                                         of objects, -1, -1); then for each detection a row (image,
                                         label, score, true, false), by image and label

    With `name_size_file` boxes are compared in pixels of the original images, sides counted as
    xmax - xmin + 1. Images that have detections take its lines in turn. R changes from batch to
    batch. There is no gradient; all runs on the host.

    Differences from SSD: equal scores keep their order, where SSD's is open. In pixels, boxes that
    share no pixel overlap by 0; SSD counts one shared pixel. A label that is not a class is an
    error.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "detection_eval" type: "DetectionEvaluate" bottom: "detection_out"
                bottom: "label" top: "detection_eval"
                detection_evaluate_param { num_classes: 21 evaluate_difficult_gt: false } }
    """

    bottoms = (2, 2)
    is_metric = True
    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.detection_evaluate_param
        if not param.num_classes:
            raise self.fail("needs num_classes, the number of classes with the background")
        if param.overlap_threshold <= 0:
            raise self.fail(f"overlap_threshold must be above 0, got {param.overlap_threshold:g}")
        self._background = param.background_label_id
        self._judge: Judge | None = None
        self._turn = 0

    def _read_rules(self) -> Judge:
        """The rules; the first forward reads the file of sizes."""
        param = self.param.detection_evaluate_param
        try:
            images = read_name_sizes(param.name_size_file) if param.name_size_file else []
        except CaffeError as error:
            raise self.fail(str(error)) from error
        return Judge(
            threshold=param.overlap_threshold,
            use_difficult=param.evaluate_difficult_gt,
            sizes=[size for _, size in images],
            resize=param.resize_param if param.HasField("resize_param") else None,
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for what, blob, columns in (
            ("detections (bottom[0])", bottom[0], DETECTION),
            ("ground truth (bottom[1])", bottom[1], COLUMNS),
        ):
            if len(blob.shape) != 4 or blob.shape[:2] != (1, 1) or blob.shape[3] != columns:
                raise self.fail(f"{what} must have shape (1, 1, rows, {columns}), got {blob.shape}")
        if not top[0].count or top[0].shape[-1:] != (5,):
            top[0].reshape(1, 1, len(self._labels()) + bottom[0].shape[2], 5)

    def _labels(self) -> list[int]:
        classes = range(self.param.detection_evaluate_param.num_classes)
        return [label for label in classes if label != self._background]

    def _rows(self, bottom: Blobs) -> tuple[Array, Array]:
        """Detections and ground truth as rows of 7 and 8 numbers, on the host."""
        return self.ops.to_host(bottom[0].data), self.ops.to_host(bottom[1].data)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._judge is None:
            self._judge = self._read_rules()
        detected, true = self._rows(bottom)
        detections, truths = read_detections(detected), read_truths(true)
        classes = self.param.detection_evaluate_param.num_classes
        fault = find_fault(truths, None, classes, self._background)
        if fault is not None:
            raise self.fail(fault)
        for label in set(detections[:, 1].tolist()):
            if label not in self._labels():
                raise self.fail(
                    f"detections must have labels from 0 to {classes - 1} other than the "
                    f"background ({self._background}), got {label:g}"
                )
        judged = self._judge.judge(detections, truths, self._turn)
        if self._judge.sizes:
            images = len(set(detections[:, 0].tolist()))
            self._turn = (self._turn + images) % len(self._judge.sizes)
        rows = as_rows([(c, self._judge.count(truths, c)) for c in self._labels()], judged)
        top[0].reshape(1, 1, *rows.shape)
        self.ops.copy_to_device(rows, top[0].data)
