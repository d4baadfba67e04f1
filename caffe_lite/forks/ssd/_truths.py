"""Ground truth boxes, as AnnotatedData gives them, on the host."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.types import Array

COLUMNS = 8  # image, label, instance, xmin, ymin, xmax, ymax, difficult


@dataclass(frozen=True)
class Truths:
    """G boxes of a batch: image (G,), label (G,), box (G, 4) and difficulty (G,) of each."""

    image: Array
    label: Array
    boxes: Array
    difficult: Array

    def __len__(self) -> int:
        return len(self.image)

    def only(self, chosen: Array) -> "Truths":
        """Those that a mask (G,) or indices choose."""
        return Truths(
            self.image[chosen], self.label[chosen], self.boxes[chosen], self.difficult[chosen]
        )


def read_truths(rows: Array) -> Truths:
    """The boxes of rows (G, 8); rows whose image is -1 are skipped."""
    rows = rows.reshape(-1, COLUMNS)
    rows = rows[rows[:, 0] != -1]
    image, label = (np.trunc(rows[:, i]) for i in (0, 1))
    return Truths(image, label, rows[:, 3:7], rows[:, 7] != 0)


def find_fault(truths: Truths, images: int | None, classes: int, background: int) -> str | None:
    """What is wrong with an image or label of the ground truth, or None."""
    if images is not None:
        inside = (truths.image >= 0) & (truths.image < images)
        if not inside.all():
            return (
                f"column 0 of the ground truth must be an image of the batch, 0 to {images - 1}, "
                f"or -1, got {truths.image[~inside][0]:g}"
            )
    known = (truths.label >= 0) & (truths.label < classes) & (truths.label != background)
    if not known.all():
        return (
            f"column 1 of the ground truth must be a label from 0 to {classes - 1} other than the "
            f"background ({background}), got {truths.label[~known][0]:g}"
        )
    return None
