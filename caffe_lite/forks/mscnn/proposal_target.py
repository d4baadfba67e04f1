"""ProposalTarget: regions drawn for training, with what to learn from them; on the host."""

import numpy as np

from caffe_lite.forks.boxes.codes import encode
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.mscnn._codes import normalization
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_LEAST = 32  # pixels of a random region's side
_TRIALS = 1000  # for each random region


@register("ProposalTarget")
class ProposalTarget(Layer):
    """Draws regions of a batch of images, labels them, and encodes their objects.

    Candidates are the regions and the objects themselves. Those that overlap an object by `fg_thr`
    have its class, unless it is to be ignored; those that overlap one by [bg_thr_lw, bg_thr_hg)
    are background, class 0. `batch_size` are drawn at random, at most `fg_fraction` of them of
    objects. Missing ones come from the other regions in order, and then from random boxes of 32
    pixels or more that overlap no object by `fg_thr`. Runs on the host.

    bottom[0]  rois     (R, 5, ...)       rows (image, x1, y1, x2, y2), both corners inside
    bottom[1]  objects  (G, 7, ...)       rows (image, x1, y1, x2, y2, class, ignored)
    top[0]     rois     (B, 5, 1, 1)      objects' first
    top[1]     labels   (B, 1, 1, 1)
    top[2]     targets  (B, 4 K, 1, 1)    codes in the columns of the region's class, else 0
    top[3]     inside   (B, 4 K, 1, 1)    1 in the same columns
    top[4]     outside  (B, 4 K, 1, 1)    the same
    top[5]     matches  (B, 6, 1, 1)      rows (class, x1, y1, x2, y2, overlap) of each region's
                                          object; zeros for background
    top[6]     weights  (B, 1, 1, 1)      optional: those of objects sum to fg_fraction * B, the
                                          others to the rest

    It has no gradient. Regions of images that do not exist, and those with NaN or infinity, are
    left out. K is `cls_num`, or 2 with `cls_aware: false`. With `batch_size: -1` all candidates of
    both kinds are taken. Codes are (code - bbox_mean) / bbox_std if `bbox_reg_param` gives them.

    Source: zhaoweicai/mscnn

    Example::

        layer { name: "targets" type: "ProposalTarget" bottom: "proposals" bottom: "gt_boxes"
                top: "rois" top: "labels" top: "bbox_targets" top: "inside" top: "outside"
                top: "matches" proposal_target_param { cls_num: 3 batch_size: 8
                num_img_per_batch: 1 img_width: 90 img_height: 60 } }
    """

    bottoms = (2, 2)
    tops = (6, 7)
    tops_without_gradient = (0, 1, 2, 3, 4, 5, 6)
    host_side = True
    reads = ("proposal_target_param", "bbox_reg_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.proposal_target_param
        if param.cls_num < 2 or (param.batch_size < 1 and param.batch_size != -1):
            raise self.fail(
                "needs cls_num of at least 2 and batch_size of at least 1, or -1, got "
                f"{param.cls_num} and {param.batch_size}"
            )
        if param.fg_thr < param.bg_thr_hg or not 0 <= param.fg_fraction <= 1:
            raise self.fail("fg_thr must be at least bg_thr_hg, and fg_fraction in [0, 1]")
        self._mean, self._deviation = normalization(self)
        self._columns = 4 * (param.cls_num if self.param.bbox_reg_param.cls_aware else 2)
        self._generator = self.rng  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for i, columns in enumerate((5, 7)):
            blob = bottom[i]
            if not blob.shape or blob.count != blob.shape[0] * columns:
                raise self.fail_shape(
                    i,
                    (1, columns),
                    "needs regions (R, 5) and objects (G, 7), got shapes "
                    f"{bottom[0].shape} and {bottom[1].shape}",
                )
        wanted = self.param.proposal_target_param.batch_size
        self._shape(top, bottom[0].shape[0] if wanted == -1 else wanted)

    def _shape(self, top: Blobs, count: int) -> None:
        for blob, columns in zip(top, (5, 1, *[self._columns] * 3, 6, 1), strict=False):
            blob.reshape(count, columns, 1, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        regions, objects = (
            self.ops.to_host(blob.data).reshape(blob.shape[0], -1).astype(float) for blob in bottom
        )
        self._check(objects)
        images = self.param.proposal_target_param.num_img_per_batch
        known = np.isfinite(regions).all(axis=1) & (regions[:, 0] >= 0) & (regions[:, 0] < images)
        regions = regions[known]
        rows = np.concatenate([regions, objects[:, :5]])
        overlaps = iou(np, rows[:, 1:], objects[:, 1:5], extent=1)
        overlaps[rows[:, :1] != objects[:, 0]] = -1  # of another image
        nearest, largest = overlaps.argmax(axis=1), np.maximum(overlaps.max(axis=1), 0)
        first, others = self._draw(largest, objects[nearest, 6] != 0)
        chosen = np.concatenate([first, others])
        rows, largest, nearest = rows[chosen], largest[chosen], nearest[chosen]
        missing = self.param.proposal_target_param.batch_size - len(chosen)
        if missing > 0:
            rows = np.concatenate([rows, self._random_rows(missing, objects)])
        if not len(rows):
            raise self.fail("no region is a candidate; widen bg_thr_lw and bg_thr_hg")
        count = len(first)
        self._fill(top, rows, objects[nearest[:count]], largest[:count])

    def _check(self, objects: Array) -> None:
        param = self.param.proposal_target_param
        images = objects[:, 0]
        if not ((images >= 0) & (images < param.num_img_per_batch)).all():
            raise self.fail(
                f"images of objects must be from 0 to {param.num_img_per_batch - 1} "
                f"(num_img_per_batch), got {images.max():g}"
            )
        if not ((objects[:, 5] >= 1) & (objects[:, 5] < param.cls_num)).all():
            raise self.fail(
                f"classes of objects must be from 1 to {param.cls_num - 1}, got "
                f"{objects[:, 5].tolist()}"
            )
        if not (objects[:, 1:3] <= objects[:, 3:5]).all():
            raise self.fail("objects must have corners x1 <= x2 and y1 <= y2")

    def _draw(self, largest: Array, ignored: Array) -> tuple[Array, Array]:
        """The indices of regions of objects, and of background."""
        param, rng = self.param.proposal_target_param, self._generator
        of_objects = largest >= param.fg_thr
        background = (largest >= param.bg_thr_lw) & (largest < param.bg_thr_hg) & ~of_objects
        first = np.flatnonzero(of_objects & ~ignored)
        others = np.flatnonzero(background)
        if param.batch_size == -1:
            return first, others
        share = int(np.floor(param.fg_fraction * param.batch_size + 0.5))
        if len(first) > share:
            first = rng.permutation(first)[:share]
        left = param.batch_size - len(first)
        if len(others) > left:
            return first, rng.permutation(others)[:left]
        spare = np.flatnonzero(~of_objects & ~background)
        return first, np.concatenate([others, spare[: left - len(others)]])

    def _random_rows(self, count: int, objects: Array) -> Array:
        """Random regions (count, 5) that overlap no object by `fg_thr`."""
        param, rng = self.param.proposal_target_param, self._generator
        if min(param.img_width, param.img_height) <= _LEAST:
            raise self.fail(
                f"{count} regions are missing; img_width and img_height must be above {_LEAST} for "
                f"random ones, got {param.img_width} and {param.img_height}"
            )
        rows: list[list[float]] = []
        for _ in range(_TRIALS * count):
            image = int(rng.integers(param.num_img_per_batch))
            x, y = (int(rng.integers(n - _LEAST)) for n in (param.img_width, param.img_height))
            width = max(int(rng.integers(param.img_width - x)), _LEAST)
            height = max(int(rng.integers(param.img_height - y)), _LEAST)
            box = np.array([[x, y, x + width - 1, y + height - 1]], float)
            own = objects[objects[:, 0] == image]
            if iou(np, box, own[:, 1:5], extent=1).max(initial=0) < param.fg_thr:
                rows.append([image, *box[0]])
            if len(rows) == count:
                return np.array(rows)
        raise self.fail(
            f"{count} regions are missing, and random ones overlap the objects by fg_thr "
            f"({param.fg_thr:g}) too often"
        )

    def _fill(self, top: Blobs, rows: Array, objects: Array, overlaps: Array) -> None:
        """Fill the tops from all regions, and the objects of the first ones with their overlaps."""
        count, aware = len(objects), self.param.bbox_reg_param.cls_aware
        labels = np.zeros(len(rows))
        labels[:count] = objects[:, 5]
        codes = encode(np, "CENTER_SIZE", objects[:, 1:5], rows[:count, 1:], extent=1)
        targets, inside = (np.zeros((len(rows), self._columns)) for _ in range(2))
        starts = 4 * (labels[:count] if aware else np.ones(count)).astype(int)
        places = np.arange(count)[:, None], starts[:, None] + np.arange(4)
        targets[places] = (codes - self._mean) / self._deviation
        inside[places] = 1
        matches = np.zeros((len(rows), 6))
        matches[:count] = np.column_stack([objects[:, 5], objects[:, 1:5], overlaps])
        weights = self._weights(labels, matches[:, 5])
        self._shape(top, len(rows))
        made = (rows, labels, targets, inside, inside, matches, weights)
        for blob, values in zip(top, made, strict=False):
            self.ops.copy_to_device(values.astype(self.ops.dtype), blob.data)

    def _weights(self, labels: Array, overlaps: Array) -> Array:
        param = self.param.proposal_target_param
        positive = labels > 0
        weights = np.where(positive & param.iou_weighted, overlaps, 1.0)
        for chosen, share in ((positive, param.fg_fraction), (~positive, 1 - param.fg_fraction)):
            total = weights[chosen].sum()
            if positive.any() and total:
                weights[chosen] *= share * len(weights) / total
        return weights

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
