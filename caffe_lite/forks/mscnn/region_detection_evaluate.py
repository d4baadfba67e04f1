"""RegionDetectionEvaluate: which of FrcnnOutput's detections are true, on the host."""

import numpy as np

from caffe_lite.forks.ssd.detection_evaluate import DetectionEvaluate
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("RegionDetectionEvaluate")
class RegionDetectionEvaluate(DetectionEvaluate):
    """Which detections are true, and how many objects of each class there are.

    A DetectionEvaluate with three bottoms is this layer. It judges as that does, with boxes in
    pixels of the net's input, which it scales to the sizes in `name_size_file`, one for each image
    in turn; both corners are inside. Rows of an image that is not in the batch are skipped.

    bottom[0]  detections  (K, 7, ...)   rows (image, x1, y1, x2, y2, class, score), as FrcnnOutput
                                         gives them; class -1: not a detection
    bottom[1]  truth       (G, 8, ...)   rows (image, x1, y1, x2, y2, class, ignored, difficult);
                                         image -1: not a box. `ignored` is not read
    bottom[2]  size        (N, 2, ...)   height and width of each image of the batch, as the net
                                         takes it
    top[0]     judged      (1, 1, R, 5)  for each class but the background a row (-1, class, number
                                         of objects, -1, -1); then for each detection a row (image,
                                         class, score, true, false), by image and class

    R changes from batch to batch. There is no gradient; all runs on the host.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "eval" type: "RegionDetectionEvaluate" bottom: "frcnn_out"
                bottom: "gt_boxes" bottom: "image_sizes" top: "eval"
                detection_evaluate_param { num_classes: 3
                evaluate_difficult_gt: false name_size_file: "name_size.txt" } }
    """

    bottoms = (3, 3)
    reads = ("detection_evaluate_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        if not self.param.detection_evaluate_param.name_size_file:
            raise self.fail("needs name_size_file, the sizes of the images")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for i, columns in enumerate((7, 8, 2)):
            blob = bottom[i]
            if not blob.shape or blob.count != blob.shape[0] * columns:
                raise self.fail_shape(
                    i,
                    (1, columns),
                    "needs detections (K, 7), objects (G, 8) and sizes (N, 2), got shapes "
                    f"{', '.join(str(each.shape) for each in bottom)}",
                )
        if not top[0].count or top[0].shape[-1:] != (5,):
            top[0].reshape(1, 1, len(self._labels()) + bottom[0].shape[0], 5)

    def _rows(self, bottom: Blobs) -> tuple[Array, Array]:
        detections, truths, sizes = (
            self.ops.to_host(blob.data).reshape(blob.shape[0], -1) for blob in bottom
        )
        for rows in (detections, truths):
            rows[~np.isin(rows[:, 0], np.arange(len(sizes))), 0] = -1
        order = [0, 5, 6, 1, 2, 3, 4], [0, 5, 6, 1, 2, 3, 4, 7]
        found = detections[:, order[0]], truths[:, order[1]]
        for rows in found:  # to fractions of the image
            rows[:, 3:7] /= sizes[rows[:, 0].astype(int)][:, [1, 0, 1, 0]]
        return found
