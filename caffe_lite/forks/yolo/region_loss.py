"""RegionLoss: the loss of YOLO version 2, with objects assigned on the host."""

import numpy as np

from caffe_lite.forks.yolo._cell_loss import CellLoss, read_anchors
from caffe_lite.forks.yolo._similarity import similarity
from caffe_lite.forks.yolo._truths import Truths, is_ssd
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("RegionLoss")
class RegionLoss(CellLoss):
    """The loss of YOLO version 2, for objects in a grid of cells.

    Each cell predicts A = `num` boxes. Box a of the cell in row i and column j is

        x = (j + s(t0)) / W,  y = (i + s(t1)) / H,  width = exp(t2) * biases[2a] / W,
        height = exp(t3) * biases[2a + 1] / H

    with the sigmoid s; s(t4) is the score of an object, and C = `num_class` classes go through a
    softmax. An object goes to the cell of its centre and the anchor whose size is most similar.
    Gradients are those of

        coord_scale / 2 * ((s(t0) - x)^2 + (s(t1) - y)^2 + (t2 - width)^2 + (t3 - height)^2)
        object_scale / 2 * (s(t4) - target)^2,  the target being the box's overlap with the object
        class_scale * cross-entropy of the classes

    for objects, in the units of t, and noobject_scale / 2 * s(t4)^2 for boxes without one that
    overlap none by more than `thresh`. The loss is the sum of squares of all gradients, as darknet
    prints it, divided by N.

    bottom[0]  predictions  (N, A * (5 + C), H, W)
    bottom[1]  truth        (N, 1, K, 5)  rows (class, centre x, centre y, width, height), classes
                                          from 0, boxes in fractions; rows of width 0 end the list.
                                          Or SSD's (1, 1, K, 8) of AnnotatedData
    top[0]     loss         ()

    With `rescore: 0` the target is 1 and `coord_scale` is multiplied by 2 - width * height. With
    `bias_match: 0` sizes are compared with those that the cell predicts. Of two objects in one box
    the later counts.

    With SSD's rows the layer is intel/caffe's: gradients of coordinates are cut to 1 before
    `coord_scale`, the score of an object has the gradient -2 object_scale (1 - s)^3 s (1 - s), the
    loss is not divided by N, and `class_map` gives the class of each label.

    Objects are assigned on the host. `softmax_tree` is refused.

    Differences from MobileNet-YOLO: any number of anchors and of rows; there anchors are all zeros
    if `biases` has fewer than ten numbers, and every image has 300 rows.

    Source: eric612/MobileNet-YOLO

    Example::

        layer { name: "loss" type: "RegionLoss" bottom: "conv" bottom: "label" top: "loss"
                region_loss_param { num_class: 3 num: 2 thresh: 0.6 object_scale: 5
                                    noobject_scale: 1 coord_scale: 1
                                    biases: 1.08 biases: 1.19 biases: 3.42 biases: 4.41 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.region_loss_param
        if param.coords != 4 or param.softmax_tree:
            raise self.fail(
                "only coords: 4 without softmax_tree is supported, got "
                f'coords: {param.coords} and softmax_tree: "{param.softmax_tree}"'
            )
        self._classes, self._boxes = param.num_class, param.num
        self._anchors = read_anchors(self, list(param.biases), param.num)[: param.num]
        self._map: Array | None = None
        if param.class_map and is_ssd(bottom[1].shape):
            self._map = self._read_map(param.class_map)

    def _read_map(self, path: str) -> Array:
        try:
            with open(path, encoding="utf-8") as file:
                ids = np.array([int(line) for line in file if line.strip()])
        except (OSError, ValueError) as error:
            raise self.fail(f'class_map "{path}": {error}') from error
        if not len(ids) or ids.min() < 0 or ids.max() >= self._classes:
            raise self.fail(f'class_map "{path}": needs classes from 0 to {self._classes - 1}')
        return ids

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param, delta = self.xp, self.param.region_loss_param, self._delta
        x = bottom[0].data.reshape(self._view)
        position, score = self._sigmoid(x[:, :, :2]), self._sigmoid(x[:, :, 4])
        boxes = self._predict(x, position)
        truths = self._read_truths(bottom)
        alone = self._best_overlap("MSE", boxes, truths) <= param.thresh
        delta[...] = 0
        delta[:, :, 4] = alone * param.noobject_scale * score * score * (1 - score)
        if len(truths):
            self._add_objects(x, boxes, truths, is_ssd(bottom[1].shape))
        images = 1 if is_ssd(bottom[1].shape) else self._view[0]
        top[0].data[...] = xp.square(delta).sum() / images

    def _add_objects(self, x: Array, boxes: Array, truths: Truths, intel: bool) -> None:
        """Set the gradients of the boxes that have an object."""
        xp, param, ops = self.xp, self.param.region_loss_param, self.ops
        height, width = self._view[3:]
        row, column = truths.cells(height, width)
        box = self._choose(boxes, truths, row, column)
        slot = np.ravel_multi_index((truths.image, box, row, column), boxes.shape[:-1])
        _, last = np.unique(slot[::-1], return_index=True)
        kept = np.sort(len(slot) - 1 - last)  # the last object of each box
        place = [ops.asarray(each[kept], np.intp) for each in (truths.image, box, row, column)]
        image, n, i, j = place
        target = ops.asarray(truths.boxes[kept])
        label = truths.label[kept]
        if self._map is not None:
            label = self._mapped(label)
        raw = x[image, n, :, i, j]
        overlap = similarity(xp, "MSE", boxes[image, n, i, j], target)
        anchors = ops.asarray(self._anchors)[n]
        grid = ops.asarray([width, height])
        inside = target[:, :2] * grid - xp.stack([j, i], axis=1)
        s = self._sigmoid(raw[:, [0, 1, 4]])
        slope = s * (1 - s)
        error = xp.concatenate(
            [s[:, :2] - inside, raw[:, 2:4] - xp.log(target[:, 2:] * grid / anchors)], axis=1
        )
        if intel:
            error = xp.clip(error, -1, 1)
        error[:, :2] *= slope[:, :2]
        scale = param.coord_scale
        if not param.rescore and not intel:
            scale = scale * (2 - target[:, 2:3] * target[:, 3:])
        d = xp.empty_like(raw)
        d[:, :4] = error * scale
        wanted = overlap if param.rescore else 1
        gap = 2 * (s[:, 2] - 1) ** 3 if intel else s[:, 2] - wanted
        d[:, 4] = param.object_scale * gap * slope[:, 2]
        odds = xp.exp(raw[:, 5:] - raw[:, 5:].max(axis=1, keepdims=True))
        xp.divide(odds, odds.sum(axis=1, keepdims=True), out=d[:, 5:])
        d[xp.arange(len(d)), 5 + ops.asarray(label, np.intp)] -= 1
        d[:, 5:] *= param.class_scale
        self._delta[image, n, :, i, j] = d

    def _choose(self, boxes: Array, truths: Truths, row: Array, column: Array) -> Array:
        """The box (G,) of its cell that each object goes to."""
        height, width = self._view[3:]
        sizes = self._anchors / np.array([width, height], np.float32)
        if not self.param.region_loss_param.bias_match:
            place = (self.ops.asarray(each, np.intp) for each in (truths.image, row, column))
            image, i, j = place
            sizes = self.ops.to_host(boxes[image, :, i, j, 2:])
        mine = np.concatenate([np.zeros_like(sizes), sizes], axis=-1)
        wanted = truths.boxes[:, None].copy()
        wanted[..., :2] = 0
        return similarity(np, "MSE", mine, wanted).argmax(axis=1)

    def _mapped(self, label: Array) -> Array:
        classes = self._map
        if classes is None or label.max() >= len(classes):
            raise self.fail(f"class_map has no line for label {label.max()}")
        return classes[label]
