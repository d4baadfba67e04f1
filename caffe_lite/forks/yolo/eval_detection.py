"""EvalDetection: which detections of YOLO version 2 are true; on the host."""

import numpy as np

from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.yolo._cell_loss import read_anchors
from caffe_lite.forks.yolo._detections import by_cell, detect, place, sigmoid, softmax
from caffe_lite.forks.yolo._first_version import check_grid, in_image, read_grid, read_objects
from caffe_lite.forks.yolo._first_version import find_fault as find_grid_fault
from caffe_lite.forks.yolo._similarity import corners
from caffe_lite.forks.yolo._truths import find_fault, is_ssd, read_truths
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs

_LEAST_SCORE = 0.005  # darknet's


@register("EvalDetection")
class EvalDetection(Layer):
    """Which detections of YOLO version 2 are true, and how many objects of each class there are.

    RegionLoss says what a box of a cell is. It has the class of the largest softmax and scores what
    `score_type` says. Boxes that overlap a better one by `nms` or more are dropped, whatever their
    class, and so are those that score less than 0.005. A detection is true if the object of its
    class that it overlaps most is overlapped by `threshold` or more and taken by no better one.

    bottom[0]  predictions  (N, A * (5 + C), S, S)  A = `num_object`, C = `num_class`, S = `side`
    bottom[1]  truth        (1, 1, K, 8)            as AnnotatedData gives it, or (N, 1, K, 5) as
                                                    RegionLoss takes it
    bottom[2]  image                                optional, not read
    top[0]     results      (N, C + 4 * S * S * A)  the number of objects of each class; then for
                                                    each detection class, score, whether it is true,
                                                    whether it is false; then zeros. No gradient

    Without `biases` it is YOLO version 1's: predictions and truth are those of its DetectionLoss,
    with `sqrt` and `constriant`; difficult objects are not counted, and what finds one is neither
    true nor false; a negative `nms` drops no detection, and neither does a low score.

    Detections are in the order of their classes, best score first. One that overlaps an object of
    its class by less than `threshold` is neither true nor false (of version 1: false). A negative
    `nms`, the default, leaves no detection of version 2. Runs on the host.

    Differences from Caffe for Intel: `num_object` boxes of a cell are read, there always 5.

    Source: intel/caffe

    Example::

        layer { name: "eval" type: "EvalDetection" bottom: "conv" bottom: "label" top: "eval"
                eval_detection_param { side: 4 num_class: 3 num_object: 2 nms: 0.45
                                       biases: 1.08 biases: 1.19 biases: 3.42 biases: 4.41 } }
    """

    bottoms = (2, 3)
    is_metric = True
    host_side = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.eval_detection_param
        self._first_version = not param.biases
        if not self._first_version:
            anchors = read_anchors(self, list(param.biases), param.num_object)
            self._anchors = anchors[: param.num_object]
        self._score_type = schema.EvalDetectionParameter.ScoreType.Name(param.score_type)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param, shape = self.param.eval_detection_param, bottom[0].shape
        if self._first_version:
            check_grid(self, param, bottom)
            top[0].reshape(shape[0], param.num_class + 4 * param.side**2 * param.num_object)
            return
        expected = (param.num_object * (5 + param.num_class), param.side, param.side)
        if shape[1:] != expected:
            raise self.fail(f"bottom[0] must have shape (N, {str(expected)[1:]}, got {shape}")
        rows = bottom[1].shape
        if not is_ssd(rows) and (rows[:1] != shape[:1] or bottom[1].count // shape[0] % 5):
            raise self.fail_shape(
                1,
                (shape[0], 1, 1, 5),
                f"bottom[1] must have SSD's shape (1, 1, K, 8) or rows of 5 numbers for each of "
                f"{shape[0]} images, got {rows}",
            )
        boxes = param.side**2 * param.num_object
        top[0].reshape(shape[0], param.num_class + 4 * boxes)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._first_version:
            self._judge_grids(bottom, top)
            return
        classes = self.param.eval_detection_param.num_class
        x = self.ops.to_host(bottom[0].data)
        truths = read_truths(self.ops.to_host(bottom[1].data), len(x))
        fault = find_fault(truths, len(x), classes)
        if fault:
            raise self.fail(f"bottom[1]: {fault}")
        results = np.zeros(top[0].shape, x.dtype)
        boxes = np.concatenate(corners(np, truths.boxes), axis=1)
        for i, result in enumerate(results):
            mine = truths.image == i
            labels = truths.label[mine]
            result[:classes] = np.bincount(labels, minlength=classes)
            rows = self._judge(self._detect(x[i]), labels, boxes[mine])
            result[classes : classes + rows.size] = rows.ravel()
        self.ops.copy_to_device(results, top[0].data)

    def _detect(self, image: Array) -> Array:
        """The detections (K, 6) of one image: class from 0, score, box."""
        param = self.param.eval_detection_param
        if param.nms < 0:
            return np.empty((0, 6), image.dtype)
        x = by_cell(image, param.num_object)
        classes, found = softmax(x[..., 5:]), sigmoid(x[..., 4])
        probability = classes.max(axis=-1)
        scores = {"OBJ": found, "PROB": probability, "MULTIPLY": found * probability}
        boxes = place(sigmoid(x[..., :2]), x[..., 2:4], self._anchors)
        labels, score = classes.argmax(axis=-1).ravel(), scores[self._score_type].ravel()
        detections = detect(labels, score, boxes.reshape(-1, 4), param.nms)
        detections = detections[detections[:, 1] >= _LEAST_SCORE]
        return detections[np.argsort(detections[:, 0], kind="stable")]

    def _judge_grids(self, bottom: Blobs, top: Blobs) -> None:
        """The results of YOLO version 1."""
        param = self.param.eval_detection_param
        x, labels = (self.ops.to_host(blob.data).astype(float) for blob in bottom[:2])
        grid, objects = read_grid(param, x), read_objects(param, labels)
        fault = find_grid_fault(objects, param.num_class)
        if fault:
            raise self.fail(f"bottom[1]: {fault}")
        boxes = in_image(param, grid.boxes)
        results = np.zeros(top[0].shape)
        for i, result in enumerate(results):
            there = objects.there[i]
            label, difficult = objects.label[i, there].astype(int), objects.difficult[i, there]
            truth = np.concatenate(corners(np, objects.boxes[i].T[there]), axis=1)
            result[: param.num_class] = np.bincount(label[~difficult], minlength=param.num_class)
            probability = grid.classes[i].max(axis=0)
            score = {
                "OBJ": grid.scores[i],
                "PROB": np.broadcast_to(probability, grid.scores[i].shape),
                "MULTIPLY": grid.scores[i] * probability,
            }[self._score_type]
            kinds = np.broadcast_to(grid.classes[i].argmax(axis=0), score.shape)
            # Cell by cell, as equal scores are to go.
            cells = boxes[i].transpose(2, 0, 1).reshape(-1, 4)
            found = detect(
                kinds.T.ravel(), score.T.ravel(), cells, param.nms if param.nms >= 0 else np.inf
            )
            found = found[np.argsort(found[:, 0], kind="stable")]
            rows = self._judge(found, label, truth, difficult, strict=True)
            result[param.num_class : param.num_class + rows.size] = rows.ravel()
        self.ops.copy_to_device(results.astype(self.ops.dtype), top[0].data)

    def _judge(
        self,
        detections: Array,
        labels: Array,
        boxes: Array,
        difficult: Array | None = None,
        strict: bool = False,
    ) -> Array:
        """Rows (K, 4) class, score, true, false; `strict`: those that overlap too little are
        false."""
        rows = np.zeros((len(detections), 4), detections.dtype)
        rows[:, :2] = detections[:, :2]
        overlaps = np.where(detections[:, :1] == labels, iou(np, detections[:, 2:], boxes), -1)
        taken = np.zeros(len(labels), bool)
        for row, shared in zip(rows, overlaps, strict=True):
            best = int(shared.argmax()) if len(shared) else -1
            if best < 0 or shared[best] < 0:
                row[3] = 1  # there is no object of its class
            elif shared[best] >= self.param.eval_detection_param.threshold:
                if difficult is None or not difficult[best]:
                    row[3 if taken[best] else 2] = 1
                    taken[best] = True
            elif strict:
                row[3] = 1
        return rows
