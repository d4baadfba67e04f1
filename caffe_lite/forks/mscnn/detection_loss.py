"""DetectionLoss: MS-CNN's loss over the cells of a feature map, on the host."""

import numpy as np

from caffe_lite.forks.mscnn._cells import CellLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_FLT_MIN = 1.17549435e-38


@register("DetectionLoss")
class DetectionLoss(CellLayer):
    """The loss of classes and codes over the cells of a feature map:
    loss = sum w * -log p[class] / cells + lambda * sum f(code - target) / codes.

    Cells of objects count, and cells of the background as `sample_mode` says, among those that
    overlap every object by less than `bg_threshold`: "random" draws bg_multiple for each positive,
    4 (C - 1) or more, with replacement; "bootstrap" takes for each class the bg_multiple cells for
    each positive, 4 or more, that score best; "mixture" half as many of each; others take all. f is
    smooth L1, or half the square with `bb_smooth: false`; predicted codes are cut to the limits of
    `field_whr` and `field_xyr`. w is 1, or the overlap of positives with `iou_weighted`, scaled by
    `pos_neg_weighted` so that positives weigh 1 / (1 + bg_multiple) of all. Runs on the host.

    bottom[0]  map    (N, C + 4, H, W)  scores of C = `cls_num` classes, then codes
    bottom[1]  label  (N, 6, H, W)      class, x, y, width and height of the object's box about its
                                        centre, in pixels, and the overlap with it; no gradient
    top[0]     loss   (1, 1, 1, 2)      the loss, and its second part; only the first takes a
                                        gradient

    Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them; the limits then use the
    mean and the geometric mean of both values, as in MS-CNN. A code that is cut still takes the
    gradient of the cut value.

    Source: zhaoweicai/mscnn

    Example::

        layer { name: "loss" type: "DetectionLoss" bottom: "map" bottom: "label" top: "loss"
                detection_loss_param { cls_num: 3 field_h: 40 field_w: 40 downsample_rate: 8
                                       sample_mode: "bootstrap" lambda: 2 } }
    """

    no_gradient = (1,)
    is_loss = True
    auto_tops = True
    reads = ("detection_loss_param", "bbox_reg_param", "loss_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._param = self.param.detection_loss_param
        super().setup(bottom, top)
        self._scale = getattr(self._param, "lambda")  # a keyword of Python
        self._generator = self.rng  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        top[0].reshape(1, 1, 1, 2)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        values, truth, labels = self.read(bottom)
        scores, codes = values[:, :-4], values[:, -4:]
        far = (labels == 0) & (truth[:, 5] < self._param.bg_threshold)
        positive = (labels != 0) & (labels != self.ignored)
        negative = np.zeros_like(far)
        for image in range(len(scores)):
            self._sample(scores[image], labels[image], far[image], negative[image])
        counted = (positive | negative) & (labels != self.ignored)
        weights = self._weights(truth, labels, negative)
        index = np.where(counted, labels, 0)[:, None]
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        prob = odds / odds.sum(axis=1, keepdims=True)
        own = np.take_along_axis(prob, index, axis=1)[:, 0]
        losses = -np.log(np.maximum(own, _FLT_MIN)) * weights
        cells = max(1, int(counted.sum()))
        class_loss = losses[counted].sum() / cells
        dclass = prob - (np.arange(scores.shape[1])[:, None, None] == index)
        dclass *= (weights * counted / cells)[:, None]
        code_loss, dcode = self._codes(codes, truth, positive)
        self._gradient = np.concatenate([dclass, dcode], axis=1)
        top[0].data[..., 0] = float(class_loss + self._scale * code_loss)
        top[0].data[..., 1] = float(self._scale * code_loss)

    def _sample(self, scores: Array, labels: Array, far: Array, negative: Array) -> None:
        """Set where the background counts in an image."""
        param, rng, mode = self._param, self._generator, self._param.sample_mode
        if mode not in ("random", "bootstrap", "mixture"):
            negative[...] = far
            return
        share = param.bg_multiple * (0.5 if mode == "mixture" else 1)
        flat, allowed = negative.reshape(-1), far.reshape(-1)
        if mode != "bootstrap":
            count = max(int((labels != 0).sum() * share), 4 * (param.cls_num - 1))
            drawn = rng.integers(far.size, size=count)
            flat[drawn[allowed[drawn]]] = True
        if mode != "random":
            candidates = np.flatnonzero(allowed)
            for kind in range(1, param.cls_num):
                count = max(4, int((labels == kind).sum() * share))
                best = scores[kind].reshape(-1)[candidates]
                flat[candidates[np.argsort(-best, kind="stable")[:count]]] = True

    def _weights(self, truth: Array, labels: Array, negative: Array) -> Array:
        param, positive = self._param, labels != 0
        weights = np.where(positive & param.iou_weighted, truth[:, 5], 1.0)
        if param.pos_neg_weighted and weights[positive].sum():
            total, share = positive.sum() + negative.sum(), 1 / (1 + param.bg_multiple)
            weights[positive] *= share * total / weights[positive].sum()
            others = weights[negative].sum()
            weights[~positive] *= (1 - share) * total / others if others else 0
        return weights

    def _codes(self, codes: Array, truth: Array, positive: Array) -> tuple[float, Array]:
        """The loss of the codes and its gradient, lambda included in the latter."""
        field = self.field
        targets = field.encode(truth[:, 1:5])
        targets = (targets - self.mean) / self.deviation
        mean = self.mean.reshape(2, 2).mean(axis=1).repeat(2)[:, None, None]
        deviation = np.sqrt(self.deviation.reshape(2, 2).prod(axis=1)).repeat(2)[:, None, None]
        least, largest = ((limit[:, None, None] - mean) / deviation for limit in field.limits())
        difference = np.fmin(largest, np.fmax(least, codes)) - targets
        difference = np.where(positive[:, None], difference, 0)
        slope = np.clip(difference, -1, 1) if self._param.bb_smooth else difference
        count = max(1, 4 * int(positive.sum()))
        loss = (slope * (difference - slope / 2)).sum() / count
        return float(loss), slope * (self._scale / count)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        if propagate_down[0]:
            dx = bottom[0].diff
            self.ops.copy_to_device(self._gradient.astype(self.ops.dtype), dx)
            dx *= top[0].diff.reshape(-1)[0]
