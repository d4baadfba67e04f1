"""DetectionGroupLoss: Cascade R-CNN's loss of a region proposal network, on the host."""

import numpy as np

from caffe_lite.forks.mscnn._groups import GroupLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_FLT_MIN = 1.17549435e-38
_MINING = ("random", "bootstrap", "mixture")


@register("DetectionGroupLoss")
class DetectionGroupLoss(GroupLayer):
    """The loss of classes and codes over a sample of the cells of each image:
    loss = sum w * -log p[class] / cells + lambda * sum f(code - target) / codes.

    Candidates are the cells of objects, and those of the background that overlap every object by
    less than `bg_threshold`, of all fields together. With `batch_size` b, b / (1 + bg_multiple) of
    objects are drawn and the rest from the background; with -1 (the default) all objects count, and
    bg_multiple cells of the background for each, `min_num_neg` or more. Surplus objects are left
    out at random, and so is background with `neg_mining_type` "random"; "bootstrap" keeps the worst
    by `neg_ranking_type` ("conf_loss": -log p[class]; "conf_prob": 1 - p[0]), "mixture" half as
    many of the worst and draws the others. f is smooth L1, or half the square with
    `bbox_loss_type: "Euclidean_L2"`. With both `field_whr` and `field_xyr`, predicted codes are cut
    to their limits. w is 1; `pos_neg_weighted` scales it so that objects weigh 1 / (1 +
    bg_multiple) of all. Cai and Vasconcelos, Cascade R-CNN, CVPR 2018. Runs on the host.

    bottom[0]  scores  (N G, C, H, W)  of C = `cls_num` classes, for each image and each of the G
                                       fields `field_h`, `field_w`
    bottom[1]  codes   (N G, 4, H, W)
    bottom[2]  label   (N G, 6, H, W)  class, x, y, width and height of the object's box about its
                                       centre, in pixels, and the overlap with it; no gradient
    top[0]     loss    (1, 1, 1, 2)    the loss, and its second part; only the first takes a
                                       gradient

    Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them; the limits then use the
    mean and the geometric mean of both values. A code that is cut still takes the gradient of the
    cut value.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "loss" type: "DetectionGroupLoss" bottom: "scores" bottom: "codes"
                bottom: "label" top: "loss" detection_group_loss_param { cls_num: 2 field_h: 22
                field_h: 44 field_w: 44 field_w: 22 stride: 8 batch_size: 6 objectness: true } }
    """

    no_gradient = (2,)
    is_loss = True
    auto_tops = True
    reads = ("detection_group_loss_param", "bbox_reg_param", "loss_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self._param = self.param.detection_group_loss_param
        super().setup(bottom, top)
        if param.neg_mining_type not in _MINING:
            raise self.fail(
                f"neg_mining_type must be one of {', '.join(_MINING)}, got {param.neg_mining_type}"
            )
        if param.neg_ranking_type not in ("conf_loss", "conf_prob"):
            raise self.fail(
                f"neg_ranking_type must be conf_loss or conf_prob, got {param.neg_ranking_type}"
            )
        if param.bbox_loss_type not in ("Smooth_L1", "Euclidean_L2"):
            raise self.fail(
                f"bbox_loss_type must be Smooth_L1 or Euclidean_L2, got {param.bbox_loss_type}"
            )
        if param.batch_size < 1 and param.batch_size != -1:
            raise self.fail(f"batch_size must be at least 1, or -1, got {param.batch_size}")
        self._scale = getattr(param, "lambda")  # a keyword of Python
        self._generator = self.rng  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.check_bottoms(bottom)
        top[0].reshape(1, 1, 1, 2)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores, codes, truth, labels = self.read(bottom)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        prob = odds / odds.sum(axis=1, keepdims=True)
        index = np.where(labels == self.ignored, 0, labels)[:, None]
        own = np.take_along_axis(prob, index, axis=1)[:, 0]
        losses = -np.log(np.maximum(own, _FLT_MIN))
        ranks = losses if self._param.neg_ranking_type == "conf_loss" else 1 - prob[:, 0]
        kept = self._sample(labels, truth[:, 5], ranks)
        weights = self._weights(labels, kept)
        kept &= labels != self.ignored
        cells = max(1, int(kept.sum()))
        dscores = prob - (np.arange(scores.shape[1])[:, None, None] == index)
        dscores *= (weights * kept / cells)[:, None]
        code_loss, dcodes = self._codes(codes, truth, kept & (labels > 0))
        self._gradients = dscores, dcodes
        top[0].data[..., 0] = float((losses * weights)[kept].sum() / cells + code_loss)
        top[0].data[..., 1] = code_loss

    def _sample(self, labels: Array, overlaps: Array, ranks: Array) -> Array:
        """Which cells (N G, H, W) count."""
        param, groups = self._param, len(self.fields)
        rows = (len(labels) // groups, -1)
        objects = (labels > 0).reshape(rows)
        far = ((labels == 0) & (overlaps < param.bg_threshold)).reshape(rows)
        kept = np.zeros(objects.shape, bool)
        for image, rank in enumerate(ranks.reshape(rows)):
            positive, negative = np.flatnonzero(objects[image]), np.flatnonzero(far[image])
            if param.batch_size == -1:
                most = len(positive)
                others = max(len(positive) * param.bg_multiple, param.min_num_neg)
            else:
                most = int(np.floor(param.batch_size / (1 + param.bg_multiple) + 0.5))
                most = min(most, len(positive))
                others = param.batch_size - most
            kept[image, self._some(positive, most)] = True
            kept[image, self._background(negative, others, rank)] = True
        return kept.reshape(labels.shape)

    def _background(self, cells: Array, count: int, ranks: Array) -> Array:
        mode = self._param.neg_mining_type
        if count >= len(cells) or mode == "random":
            return self._some(cells, count)
        hard = count if mode == "bootstrap" else int(np.floor(count / 2 + 0.5))
        order = cells[np.argsort(-ranks[cells], kind="stable")]
        return np.concatenate([order[:hard], self._some(order[hard:], count - hard)])

    def _some(self, cells: Array, count: int) -> Array:
        return cells if count >= len(cells) else self._generator.permutation(cells)[:count]

    def _weights(self, labels: Array, kept: Array) -> Array:
        weights = np.ones(labels.shape)
        if self._param.pos_neg_weighted:
            share = 1 / (1 + self._param.bg_multiple)
            for chosen, part in ((labels > 0, share), (labels <= 0, 1 - share)):
                count = (kept & chosen).sum()
                weights[chosen] *= part * kept.sum() / count if count else 1
        return weights

    def _codes(self, codes: Array, truth: Array, positive: Array) -> tuple[float, Array]:
        """lambda times the loss of the codes, and its gradient."""
        param = self._param
        mean = self.mean.reshape(2, 2).mean(axis=1).repeat(2)[:, None, None]
        deviation = np.sqrt(self.deviation.reshape(2, 2).prod(axis=1)).repeat(2)[:, None, None]
        difference = np.empty_like(codes)
        for i, field in enumerate(self.fields):
            items = slice(i, None, len(self.fields))
            targets = (field.encode(truth[items, 1:5]) - self.mean) / self.deviation
            mine = codes[items]
            if param.HasField("field_whr") and param.HasField("field_xyr"):
                least, largest = (
                    (each[:, None, None] - mean) / deviation for each in field.limits()
                )
                mine = np.fmin(largest, np.fmax(least, mine))
            difference[items] = mine - targets
        difference = np.where(positive[:, None], difference, 0)
        smooth = param.bbox_loss_type == "Smooth_L1"
        slope = np.clip(difference, -1, 1) if smooth else difference
        scale = self._scale / max(1, 4 * int(positive.sum()))
        return float((slope * (difference - slope / 2)).sum() * scale), slope * scale

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[2]:
            raise self.fail("cannot backpropagate to its labels (bottom[2])")
        for flag, blob, gradient in zip(propagate_down, bottom, self._gradients, strict=False):
            if flag:
                dx = blob.diff
                self.ops.copy_to_device(gradient.astype(self.ops.dtype), dx)
                dx *= top[0].diff.reshape(-1)[0]
