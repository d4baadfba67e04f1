"""`module: "rpn.proposal_target_layer"`: what to learn from regions, on the host."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.rcnn.python_layers.sampling import Sampler, object_rows
from caffe_lite.forks.rcnn.python_layers.settings import read_settings
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array

_KEYS = {
    "num_classes": None,
    "num_attr_classes": 0,
    "use_attr_labels": False,
    "ignore_label": -1,
}


class ProposalTargetLayer(Layer):
    """Draws regions of an image for training, labels them, and encodes their objects.

    Candidates are the regions and the objects themselves. Those that overlap an object by FG_THRESH
    have its class; those that overlap one by [BG_THRESH_LO, BG_THRESH_HI) are background, class 0.
    BATCH_SIZE are drawn at random, at most FG_FRACTION of them of objects.

    bottom[0]  rois     (R, 5)          rows (0, x1, y1, x2, y2)
    bottom[1]  objects  (G, 5 or more)  rows (x1, y1, x2, y2, class, attributes)
    top[0]     rois     (B, 5)          objects' first
    top[1]     labels   (B,)
    top[2]     targets  (B, 4 K)        codes in the columns of the region's class, else 0; divided
                                        by BBOX_NORMALIZE_STDS, unless
                                        BBOX_NORMALIZE_TARGETS_PRECOMPUTED is False
    top[3]     inside   (B, 4 K)        BBOX_INSIDE_WEIGHTS in the same columns
    top[4]     outside  (B, 4 K)        1 where `inside` is positive
    top[5]     attributes               with `num_attr_classes`: (B, num_attr_classes) zeros and
                                        ones, or (B,) the first number with `use_attr_labels`;
                                        `ignore_label` for background

    K is `num_classes`; 2 with AGNOSTIC. Attributes are whole numbers in the columns from 5 on, 0
    for none. An image without objects gives background alone.
    """

    type = "Python"
    bottoms = tops = (0, None)

    def setup(self, bottom: Any, top: Any) -> None:
        settings, self._own = read_settings(self.param.python_param.param_str, _KEYS)
        self._sampler = Sampler(settings, self._own["num_classes"])
        if len(top) != 5 + (self._own["num_attr_classes"] > 0):
            raise DataError(
                f"has five tops, and one more with num_attr_classes, got {len(top)}: rois, labels, "
                "targets, inside and outside weights"
            )
        self._shape(top, 1)

    def _shape(self, top: Any, count: int) -> None:
        columns = self._sampler.columns
        for blob, shape in zip(top, ((5,), (), *[(columns,)] * 3), strict=False):
            blob.reshape(count, *shape)
        if len(top) > 5:
            shape = () if self._own["use_attr_labels"] else (self._own["num_attr_classes"],)
            top[5].reshape(count, *shape)

    def reshape(self, bottom: Any, top: Any) -> None:
        """`setup` and `forward` give the tops their shapes."""

    def forward(self, bottom: Any, top: Any) -> None:
        rows = bottom[0].data.reshape(-1, 5).astype(float)
        objects = object_rows(bottom[1])
        if rows[:, 0].any():
            raise DataError(f"takes batches of one image, got a region of {rows[:, 0].max():g}")
        boxes = np.concatenate([rows[:, 1:], objects[:, :4]])
        drawn = self._sampler.draw(self.rng, boxes, objects[:, :4], objects[:, 4])
        self._shape(top, len(drawn.boxes))
        top[0].data[...] = np.column_stack([np.zeros(len(drawn.boxes)), drawn.boxes])
        for blob, values in zip(top[1:5], drawn.tops, strict=True):
            blob.data[...] = values
        if len(top) > 5:
            top[5].data[...] = self._attributes(drawn.labels, objects[drawn.objects, 5:])

    def _attributes(self, labels: Array, given: Array) -> Array:
        count, ignored = self._own["num_attr_classes"], self._own["ignore_label"]
        if ((given < 0) | (given > count)).any():
            raise DataError(f"attributes must be from 0 to {count}, got {given.max():g}")
        some = labels > 0
        if self._own["use_attr_labels"]:
            first = given[:, 0] if given.shape[1] else np.zeros(len(labels))
            return np.where(some & (first > 0), first, ignored)
        made = np.zeros((len(labels), count + 1))
        np.put_along_axis(made, given.astype(int), 1, axis=1)
        return np.where(some[:, None], made[:, 1:], ignored)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        """Nothing passes a gradient on."""
        for flag, blob in zip(propagate_down, bottom, strict=True):
            if flag:
                blob.diff[...] = 0
