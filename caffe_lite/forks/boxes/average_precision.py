"""Average precision of one class, from the scores of its detections; on the host."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.forks.boxes.nms import rank
from caffe_lite.types import Array

VERSIONS = ("Integral", "MaxIntegral", "11point", "101point")
_STEP = 1e-6  # recalls that differ by less count as equal


def precision_recall(
    scores: Array | Sequence[float], correct: Array | Sequence[bool], positives: int
) -> tuple[Array, Array]:
    """Precision and recall (N,) after each detection, best score first, in float32 as SSD's.

    `correct` (N,) says which detections are true; `positives` counts the objects to be found.
    """
    order = rank(np.asarray(scores, np.float32))
    hits = np.cumsum(np.asarray(correct, bool)[order]).astype(np.float32)
    return hits / np.arange(1, len(hits) + 1, dtype=np.float32), hits / np.float32(positives)


def average_precision(
    scores: Array | Sequence[float],
    correct: Array | Sequence[bool],
    positives: int,
    version: str = "Integral",
) -> float:
    """The area under the curve of precision over recall, 0 without detections or positives.

    Integral     sum of steps in recall * precision at the end of the step
    MaxIntegral  the same with the best precision from there on (VOC 2012, ILSVRC)
    11point      mean of the best precision at recall 0, 0.1, ... 1 and above (VOC 2007)
    101point     the same at recall 0, 0.01, ... 1 (COCO)
    """
    if not len(scores) or positives <= 0:
        return 0.0
    precision, recall = (
        each.astype(float) for each in precision_recall(scores, correct, positives)
    )
    if version.endswith("point"):
        count = int(version.removesuffix("point"))
        points = np.arange(count) / (count - 1.0)
        return sum(float(precision[recall >= point].max(initial=0)) for point in points) / count
    if version == "MaxIntegral":
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0)
    counted = steps > _STEP
    return float(precision[counted] @ steps[counted])
