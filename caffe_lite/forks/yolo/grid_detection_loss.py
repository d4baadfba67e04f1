"""DetectionLoss of YOLO version 1, on the host."""

import numpy as np

from caffe_lite.forks.yolo._first_version import (
    check_grid,
    find_fault,
    in_image,
    read_grid,
    read_objects,
)
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_FIELDS = ("side", "num_class", "num_object", "object_scale", "noobject_scale", "class_scale")


@register("DetectionLoss", when=[f"detection_loss_param.{name}" for name in _FIELDS])
class GridDetectionLoss(Layer):
    """The loss of YOLO version 1 over the S * S cells of a grid.

        loss = class_scale sum (p - t)^2 / n          over classes of cells with an object
             + object_scale sum (o - 1)^2 / n         over the boxes of objects
             + noobject_scale sum o^2 / (N S^2 B - n) over all other boxes
             + coord_scale sum (b - b*)^2 / n         over x, y, width and height of objects' boxes

    n is the number of objects. Of the B boxes of a cell the object has the one that overlaps it
    most, or if none does, the nearest one. With `constriant` x and y are relative to the cell, in
    cells; with `sqrt` width and height are square roots. Redmon et al., You Only Look Once, CVPR
    2016. Runs on the host.

    bottom[0]  predictions  (N, S S (C + 5 B))  planes of S * S cells: C = `num_class` classes, B =
                                                `num_object` scores o, and B boxes b; S = `side`
    bottom[1]  label        (N, S S 7)          whether difficult, whether an object, and its class
                                                for each cell, then its box; takes no gradient
    top[0]     loss         ()

    The gradient is YOLO's own: of half of each square, divided by N alone; and an object's score is
    to become its box's overlap.

    Differences from caffe-yolo: without any object the divisor is 1, there 0.

    Source: yeahkun/caffe-yolo, gklz1982/caffe-yolov2

    Example::

        layer { name: "loss" type: "DetectionLoss" bottom: "regression" bottom: "label" top: "loss"
                detection_loss_param { side: 3 num_class: 4 num_object: 2 object_scale: 1
                noobject_scale: 0.5 class_scale: 1 coord_scale: 5 sqrt: true constriant: true } }
    """

    bottoms = (2, 2)
    no_gradient = (1,)
    is_loss = True
    auto_tops = True
    host_side = True
    reads = ("detection_loss_param",)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        check_grid(self, self.param.detection_loss_param, bottom)
        top[0].reshape()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.detection_loss_param
        x, labels = (self.ops.to_host(blob.data).astype(float) for blob in bottom)
        grid, objects = read_grid(param, x), read_objects(param, labels)
        fault = find_fault(objects, param.num_class)
        if fault:
            raise self.fail(f"bottom[1]: {fault}")
        there, count = objects.there, max(1, int(objects.there.sum()))
        best, overlap = self._match(in_image(param, grid.boxes), objects.boxes)
        mine = (np.arange(param.num_object)[:, None] == best[:, None]) & there[:, None]
        wanted = np.arange(param.num_class)[:, None] == objects.label[:, None]
        class_error = np.where(there[:, None], grid.classes - wanted, 0)
        box_error = np.where(mine[:, :, None], grid.boxes - self._targets(objects.boxes), 0)
        scores = grid.scores
        others = max(1, scores.size - int(there.sum()))
        found = ((scores[mine] - 1) ** 2).sum()
        top[0].data[...] = (
            param.class_scale * (class_error**2).sum() / count
            + param.object_scale * found / count
            + param.noobject_scale * (scores[~mine] ** 2).sum() / others
            + param.coord_scale * (box_error**2).sum() / count
        )
        rescored = param.object_scale * (scores - overlap[:, None])
        gradient = [
            param.class_scale * class_error,
            np.where(mine, rescored, param.noobject_scale * scores),
            param.coord_scale * box_error.reshape(len(x), -1, param.side**2),
        ]
        self._gradient = np.concatenate(gradient, axis=1) / len(x)

    def _match(self, boxes: Array, objects: Array) -> tuple[Array, Array]:
        """Which box of each cell (N, L) its object would have, and their overlap."""
        objects = objects[:, None]
        low = np.maximum(
            boxes[:, :, :2] - boxes[:, :, 2:] / 2, objects[:, :, :2] - objects[:, :, 2:] / 2
        )
        high = np.minimum(
            boxes[:, :, :2] + boxes[:, :, 2:] / 2, objects[:, :, :2] + objects[:, :, 2:] / 2
        )
        sides = high - low
        shared = np.where((sides < 0).any(axis=2), 0, sides.prod(axis=2))
        union = boxes[:, :, 2:].prod(axis=2) + objects[:, :, 2:].prod(axis=2) - shared
        overlap = np.where(shared > 0, shared / np.where(union == 0, 1, union), 0)
        distance = np.sqrt(((boxes - objects) ** 2).sum(axis=2))
        touching = (overlap > 0).any(axis=1)
        best = np.where(touching, overlap.argmax(axis=1), distance.argmin(axis=1))
        return best, np.take_along_axis(overlap, best[:, None], axis=1)[:, 0]

    def _targets(self, objects: Array) -> Array:
        """Boxes (N, 1, 4, L) as they should be predicted."""
        param = self.param.detection_loss_param
        targets = objects.copy()
        if param.constriant:
            row, column = np.divmod(np.arange(param.side**2), param.side)
            targets[:, :2] = targets[:, :2] * param.side - np.stack([column, row])
        if param.sqrt:
            targets[:, 2:] = np.sqrt(np.maximum(targets[:, 2:], 0))
        return targets[:, None]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        if propagate_down[0]:
            dx = bottom[0].diff
            gradient = self._gradient.reshape(dx.shape).astype(self.ops.dtype)
            self.ops.copy_to_device(gradient, dx)
            dx *= top[0].diff
