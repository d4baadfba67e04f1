"""Yolov3: the loss of YOLO version 3 on one feature map, with objects assigned on the host."""

import numpy as np

from caffe_lite.forks.yolo._cell_loss import CellLoss, read_anchors
from caffe_lite.forks.yolo._pull import pull
from caffe_lite.forks.yolo._similarity import similarity
from caffe_lite.forks.yolo._truths import Truths
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("Yolov3")
class Yolov3(CellLoss):
    """The loss of YOLO version 3, for objects in one of several grids of cells.

    Each cell predicts A = `num` boxes, one for each anchor in `mask`. Box a of the cell in row i
    and column j, `anchors_scale` pixels wide and high, is

        x = (j + s(t0)) / W,    width = exp(t2) * biases[2 mask[a]] / (W * anchors_scale)
        y = (i + s(t1)) / H,    height = exp(t3) * biases[2 mask[a] + 1] / (H * anchors_scale)

    with the sigmoid s; s(t4) is the score of an object, and s(t5), ... are those of C = `num_class`
    classes. An object goes to the cell of its centre, to the anchor whose size is most similar if
    it is in `mask`, and to every other in `mask` that is more similar than `iou_thresh`. Gradients
    are, for the box of an object,

        x, y           coord_scale * (2 - width * height) * (s(t) - x)
        width, height  coord_scale * (2 - width * height) * (t - log(width / anchor))
        object         s(t4) - 1, with use_logic_gradient times object_scale
        classes        class_scale * (s(t) - y); y is label_smooth_eps / 2, and 1 minus that for the
                       object's class; of several objects in one box, for the class of each

    and s(t4) for boxes without one that overlap none by more than `thresh`. With
    `use_logic_gradient` all but those of width and height are multiplied by s (1 - s). The loss is
    the sum of squares of all gradients (without that factor), as darknet prints it, divided by N.

    With `iou_loss` GIOU, DIOU or CIOU boxes are compared by that, and those of objects move towards
    it, by `iou_normalizer`, each gradient cut to `max_delta`. The loss then has, instead of the
    squares of these, `iou_normalizer` times the mean of 1 - similarity.

    `use_focal_loss` multiplies the gradients of classes by -(1 - p) (2 p log p + p - 1) / 2, p
    being the score of the object's class, and smooths no labels.

    bottom[0]  predictions  (N, A * (5 + C), H, W)
    bottom[1]  truth        (N, 1, K, 5)  rows (class, centre x, centre y, width, height), classes
                                          from 0, boxes in fractions; rows of width 0 end the list
    top[0]     loss         ()

    Objects are assigned on the host.

    Differences from MobileNet-YOLO: with `iou_loss` and `use_logic_gradient` the gradients of x and
    y are multiplied by s (1 - s); there s is replaced by t. Nothing is logged.

    Source: eric612/MobileNet-YOLO

    Example::

        layer { name: "loss" type: "Yolov3" bottom: "conv" bottom: "label" top: "loss"
                yolov3_param { num_class: 3 num: 2 thresh: 0.7 coord_scale: 1 anchors_scale: 16
                               biases: 10 biases: 14 biases: 23 biases: 27 biases: 37 biases: 58
                               mask: 1 mask: 2 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.yolov3_param
        self._classes, self._boxes = param.num_class, param.num
        self._all = read_anchors(self, list(param.biases), 1)
        self._mask = list(param.mask)
        if len(self._mask) != param.num or any(i >= len(self._all) for i in self._mask):
            raise self.fail(
                f"mask must name num: {param.num} of the {len(self._all)} anchors, from 0, got "
                f"{self._mask}"
            )
        if param.anchors_scale == 0:
            raise self.fail("anchors_scale must be above 0")
        self._anchors = self._all[self._mask] / np.float32(param.anchors_scale)
        self._kind = schema.Yolov3Parameter.IOU_LOSS.Name(param.iou_loss)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param, delta, scores = self.xp, self.param.yolov3_param, self._delta, self._scores
        x = bottom[0].data.reshape(self._view)
        scores[...] = self._sigmoid(x)
        boxes = self._predict(x, scores)
        truths = self._read_truths(bottom)
        alone = self._best_overlap(self._kind, boxes, truths) <= param.thresh
        delta[...] = 0
        xp.multiply(scores[:, :, 4], alone, out=delta[:, :, 4])
        apart = self._add_objects(x, boxes, truths)
        squares = xp.square(delta)
        if self._kind == "MSE":
            top[0].data[...] = squares.sum() / self._view[0]
        else:
            mean = sum(each.sum() for each in apart) / max(sum(map(len, apart)), 1)
            total = squares[:, :, 4:].sum() + param.iou_normalizer * mean
            top[0].data[...] = total / self._view[0]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if propagate_down[0] and self.param.yolov3_param.use_logic_gradient:
            dx, s = bottom[0].diff.reshape(self._view), self._scores
            for part in (slice(0, 2), slice(4, None)):
                dx[:, :, part] *= s[:, :, part] * (1 - s[:, :, part])

    def _add_objects(self, x: Array, boxes: Array, truths: Truths) -> list[Array]:
        """Add the gradients of the boxes that have objects; return 1 - similarity of each."""
        truth, box = self._assign(truths)
        row, column = truths.cells(*self._view[3:])
        place = np.stack([truths.image[truth], box, row[truth], column[truth]])
        turn = _turns(np.ravel_multi_index(tuple(place), boxes.shape[:-1]))
        apart = []
        for k in range(turn.max(initial=-1) + 1):  # objects in one box follow each other
            chosen = turn == k
            image, n, i, j = (self.ops.asarray(each, np.intp) for each in place[:, chosen])
            target = self.ops.asarray(truths.boxes[truth[chosen]])
            label = self.ops.asarray(truths.label[truth[chosen]], np.intp)
            raw, s = x[image, n, :, i, j], self._scores[image, n, :, i, j]
            d = self._delta[image, n, :, i, j]
            self._move_box(d, raw, s, boxes[image, n, i, j], target, (n, i, j))
            d[:, 4] = s[:, 4] - 1
            if self.param.yolov3_param.use_logic_gradient:
                d[:, 4] *= self.param.yolov3_param.object_scale
            self._move_classes(d[:, 5:], s[:, 5:], label)
            self._delta[image, n, :, i, j] = d
            apart.append(1 - similarity(self.xp, self._kind, boxes[image, n, i, j], target))
        return apart

    def _assign(self, truths: Truths) -> tuple[Array, Array]:
        """Pairs of an object and a box of its cell that it goes to, in the order of objects."""
        height, width = self._view[3:]
        scale = self.param.yolov3_param.anchors_scale
        sizes = self._all / np.array([width * scale, height * scale], np.float32)
        mine = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
        wanted = truths.boxes[:, None].copy()
        wanted[..., :2] = 0
        likeness = similarity(np, self._kind, mine, wanted)
        threshold = self.param.yolov3_param.iou_thresh
        pairs = []
        for i, row in enumerate(likeness):
            best = int(row.argmax()) if row.max() > 0 else -1
            if best in self._mask:
                best = self._mask.index(best)
                pairs.append((i, best))
            # The fork compares the index of an anchor with the best one's place in `mask`.
            others = [n for n in range(len(row)) if n in self._mask and n != best]
            if threshold < 1:
                pairs += [(i, self._mask.index(n)) for n in others if row[n] > threshold]
        truth, box = np.array(pairs, np.intp).reshape(-1, 2).T
        return truth, box

    def _move_box(
        self, d: Array, raw: Array, s: Array, box: Array, target: Array, place: tuple[Array, ...]
    ) -> None:
        xp, param = self.xp, self.param.yolov3_param
        n, i, j = place
        height, width = self._view[3:]
        if self._kind == "MSE":
            grid = self.ops.asarray([width, height])
            inside = target[:, :2] * grid - xp.stack([j, i], axis=1)
            log = xp.log(target[:, 2:] * grid / self.ops.asarray(self._anchors)[n])
            scale = param.coord_scale * (2 - target[:, 2:3] * target[:, 3:])
            d[:, :2] = scale * (s[:, :2] - inside)
            d[:, 2:4] = scale * (raw[:, 2:4] - log)
            return
        step = pull(xp, self._kind, box, target)
        step[:, 2:] *= xp.exp(raw[:, 2:4])
        step *= param.iou_normalizer
        step = xp.clip(xp.where(xp.isfinite(step), step, 0), -param.max_delta, param.max_delta)
        d[:, :4] = d[:, :4] * param.accumulate - step

    def _move_classes(self, d: Array, s: Array, label: Array) -> None:
        """The first object of a box sets all its classes, each later one only its own class."""
        xp, param = self.xp, self.param.yolov3_param
        rows, half = xp.arange(len(d)), param.label_smooth_eps / 2
        own = xp.zeros(d.shape, bool)
        own[rows, label] = True
        later = (d[rows, label] != 0)[:, None]
        smooth = s - xp.where(own, 1 - half, half)
        first = smooth
        if param.use_focal_loss:
            p = s[rows, label][:, None] + 1e-15
            first = (s - own) * (-(1 - p) * (2 * p * xp.log(p) + p - 1)) / 2
        first, smooth = param.class_scale * first, param.class_scale * smooth
        d[...] = xp.where(later, xp.where(own, smooth, d), first)


def _turns(slots: Array) -> Array:
    """How many equal numbers are before each of `slots` (K,)."""
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    start = np.searchsorted(ordered, ordered)
    turns = np.empty(len(slots), int)
    turns[order] = np.arange(len(slots)) - start
    return turns
