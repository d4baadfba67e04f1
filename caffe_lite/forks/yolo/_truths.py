"""The objects of a batch as YOLO's layers take them, on the host."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.forks.ssd import _truths as ssd
from caffe_lite.types import Array, Shape

COLUMNS = 5  # class, centre x, centre y, width, height


@dataclass(frozen=True)
class Truths:
    """G objects of a batch: image (G,), class (G,) from 0, box (G, 4) x, y, width, height."""

    image: Array
    label: Array
    boxes: Array

    def __len__(self) -> int:
        return len(self.image)

    def cells(self, height: int, width: int) -> tuple[Array, Array]:
        """Row and column (G,) of the cell that holds each centre."""
        x, y = self.boxes[:, 0], self.boxes[:, 1]
        row = np.minimum((y * height).astype(int), height - 1)
        return row, np.minimum((x * width).astype(int), width - 1)

    def padded(self, images: int) -> Array:
        """The boxes of each image (images, T, 4), zeros behind the last one."""
        count = np.bincount(self.image, minlength=images)
        boxes = np.zeros((images, count.max(initial=0), 4), self.boxes.dtype)
        for image in range(images):
            boxes[image, : count[image]] = self.boxes[self.image == image]
        return boxes


def is_ssd(shape: Shape) -> bool:
    """Whether the truth has SSD's rows of 8 columns, as intel/caffe's layers take it."""
    return shape[-1:] == (ssd.COLUMNS,)


def read_truths(rows: Array, images: int) -> Truths:
    """The objects of rows (images, ..., 5), each image's up to a width of 0, or of SSD's rows.

    In SSD's rows classes are counted from 1 and boxes are corners.
    """
    if is_ssd(rows.shape):
        truths = ssd.read_truths(rows)
        low, high = truths.boxes[:, :2], truths.boxes[:, 2:]
        boxes = np.concatenate([(low + high) / 2, high - low], axis=1)
        return Truths(truths.image.astype(int), truths.label.astype(int) - 1, boxes)
    rows = rows.reshape(images, -1, COLUMNS)
    image, row = np.nonzero(np.logical_and.accumulate(rows[:, :, 3] != 0, axis=1))
    found = rows[image, row]
    return Truths(image, np.trunc(found[:, 0]).astype(int), found[:, 1:])


def find_fault(truths: Truths, images: int, classes: int) -> str | None:
    """What is wrong with the objects, or None."""
    for name, values, limit in (("image", truths.image, images), ("class", truths.label, classes)):
        wrong = (values < 0) | (values >= limit)
        if wrong.any():
            return (
                f"the {name} of an object must be from 0 to {limit - 1}, got {values[wrong][0]:g}"
            )
    center, size = truths.boxes[:, :2], truths.boxes[:, 2:]
    right = ((center >= 0) & (center <= 1) & (size > 0)).all(axis=1)
    if not right.all():
        box = ", ".join(f"{value:g}" for value in truths.boxes[~right][0])
        return (
            "the box of an object must have its centre in the image, from 0 to 1, and a width and "
            f"height above 0, got (x, y, width, height) ({box})"
        )
    return None
