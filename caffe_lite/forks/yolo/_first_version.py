"""What the grids of YOLO version 1 hold, on the host.

A prediction of an image is (C + 5 B) planes of S * S cells: C classes, B scores, and x, y, width
and height of B boxes. A label is 7 * S * S numbers: whether the object of each cell is difficult,
whether there is one, its class, and then x, y, width and height of each cell.
"""

from typing import NamedTuple

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.types import AnyMessage, Array, Blobs


class Grid(NamedTuple):
    """Predictions: classes (N, C, L), scores (N, B, L), boxes as predicted (N, B, 4, L)."""

    classes: Array
    scores: Array
    boxes: Array


class Objects(NamedTuple):
    """Of each cell (N, L): whether there is an object, whether difficult, its class, its box
    (N, 4, L)."""

    there: Array
    difficult: Array
    label: Array
    boxes: Array


def check_grid(layer: Layer, param: AnyMessage, bottom: Blobs) -> None:
    """Fail unless the bottoms have the sizes that the message's numbers ask for."""
    layer.require_elements(bottom)
    count = bottom[0].shape[0] if bottom[0].shape else 0
    cells = param.side**2
    sizes = cells * (param.num_class + 5 * param.num_object), cells * 7
    if min(param.side, param.num_class, param.num_object) < 1:
        raise layer.fail(
            "side, num_class and num_object must be at least 1, got "
            f"{param.side}, {param.num_class} and {param.num_object}"
        )
    for i, size in enumerate(sizes):
        if bottom[i].shape[:1] != (count,) or bottom[i].count != count * size:
            raise layer.fail_shape(
                i,
                (count, size),
                f"side {param.side}, {param.num_class} classes and {param.num_object} boxes need "
                f"{sizes[0]} predictions and {sizes[1]} numbers of labels an item, got shapes "
                f"{bottom[0].shape} and {bottom[1].shape}",
            )


def read_grid(param: AnyMessage, x: Array) -> Grid:
    """The parts of predictions (N, ...)."""
    classes, boxes = param.num_class, param.num_object
    planes = x.reshape(len(x), classes + 5 * boxes, param.side**2)
    shape = (len(x), boxes, 4, param.side**2)
    return Grid(
        planes[:, :classes],
        planes[:, classes : classes + boxes],
        planes[:, classes + boxes :].reshape(shape),
    )


def read_objects(param: AnyMessage, labels: Array) -> Objects:
    """The parts of labels (N, ...)."""
    planes = labels.reshape(len(labels), 7, param.side**2)
    boxes = planes[:, 3:].reshape(len(labels), -1, 4).transpose(0, 2, 1)
    there = planes[:, 1] != 0
    label = np.where(there, np.trunc(planes[:, 2]), 0)
    return Objects(there, planes[:, 0] == 1, label, boxes)


def find_fault(objects: Objects, classes: int) -> str | None:
    """What is wrong with the classes of objects, or None."""
    wrong = objects.there & ~((objects.label >= 0) & (objects.label < classes))
    if not wrong.any():
        return None
    return (
        f"the class of an object must be from 0 to {classes - 1}, got {objects.label[wrong][0]:g}"
    )


def in_image(param: AnyMessage, boxes: Array) -> Array:
    """Boxes (..., 4, L) as predicted, in fractions of the image."""
    placed = boxes.copy()
    if param.constriant:
        row, column = np.divmod(np.arange(param.side**2), param.side)
        placed[..., 0, :] = (boxes[..., 0, :] + column) / param.side
        placed[..., 1, :] = (boxes[..., 1, :] + row) / param.side
    if param.sqrt:
        placed[..., 2:, :] **= 2
    return placed
