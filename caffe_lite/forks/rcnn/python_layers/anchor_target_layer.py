"""`module: "rpn.anchor_target_layer"`: what a region proposal network is to learn, on the host."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.codes import encode
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.rcnn.python_layers.anchor_layer import AnchorLayer
from caffe_lite.forks.rcnn.python_layers.sampling import object_rows
from caffe_lite.types import Array


class AnchorTargetLayer(AnchorLayer):
    """Labels the anchors of an image by its objects, and encodes these relative to the anchors.

    Positive are the anchors that overlap an object most of all, and those that overlap one by
    RPN_POSITIVE_OVERLAP; negative those that overlap none by RPN_NEGATIVE_OVERLAP. Others, and
    those outside the image by more than `allowed_border` pixels, are ignored. At most
    RPN_BATCHSIZE remain, drawn at random, RPN_FG_FRACTION of them positive.

    bottom[0]  scores   (1, 2 A, H, W)   only its shape counts
    bottom[1]  objects  (G, 5 or more)   rows (x1, y1, x2, y2, class, ...)
    bottom[2]  info     (1, 3)           height, width and scale of the image
    bottom[3]  image                     optional, not read
    top[0]     labels   (1, 1, A H, W)   1, 0 or -1: ignored
    top[1]     targets  (1, 4 A, H, W)   codes of the object that each anchor overlaps most
    top[2]     inside   (1, 4 A, H, W)   RPN_BBOX_INSIDE_WEIGHTS for positive anchors, else 0
    top[3]     outside  (1, 4 A, H, W)   1 / number of anchors that are not ignored; with
                                         RPN_POSITIVE_WEIGHT p, p / positives and (1 - p) /
                                         negatives

    Without objects all anchors in the image are negative.
    """

    def setup(self, bottom: Any, top: Any) -> None:
        self._settings = self.read()
        if not 0 <= self._settings.rpn_fg_fraction <= 1 or self._settings.rpn_batchsize < 1:
            raise DataError("RPN_FG_FRACTION must be in [0, 1] and RPN_BATCHSIZE at least 1")
        self._shape(bottom, top)

    def _shape(self, bottom: Any, top: Any) -> tuple[int, int]:
        height, width = bottom[0].data.shape[2:]
        count = len(self.anchors)
        top[0].reshape(1, 1, count * height, width)
        for blob in top[1:]:
            blob.reshape(1, 4 * count, height, width)
        return height, width

    def forward(self, bottom: Any, top: Any) -> None:
        self.require_one_image(bottom)
        height, width = self._shape(bottom, top)
        objects = object_rows(bottom[1])[:, :4]
        info = bottom[2].data.reshape(-1)
        anchors, border = self.over(height, width), self.border
        inside = np.flatnonzero(
            (anchors[:, :2] >= -border).all(axis=1)
            & (anchors[:, 2] < info[1] + border)
            & (anchors[:, 3] < info[0] + border)
        )
        labels = np.full(len(anchors), -1.0)
        codes = np.zeros((len(anchors), 4))
        labels[inside], nearest = self._label(anchors[inside], objects)
        if len(objects):
            codes[inside] = encode(np, "CENTER_SIZE", objects[nearest], anchors[inside], extent=1)
        self._fill(top, height, width, labels, codes)

    def _label(self, anchors: Array, objects: Array) -> tuple[Array, Array]:
        """The labels of anchors, and the object that each overlaps most."""
        settings = self._settings
        overlaps = iou(np, anchors, objects, extent=1)
        labels = np.full(len(anchors), -1.0)
        if not overlaps.size:
            return self._sample(np.zeros(len(anchors))), np.zeros(len(anchors), int)
        largest = overlaps.max(axis=1)
        negative = largest < settings.rpn_negative_overlap
        labels[negative] = 0
        best = overlaps.max(axis=0)
        labels[((overlaps == best) & (best > 0)).any(axis=1)] = 1
        labels[largest >= settings.rpn_positive_overlap] = 1
        if settings.rpn_clobber_positives:
            labels[negative] = 0
        return self._sample(labels), overlaps.argmax(axis=1)

    def _sample(self, labels: Array) -> Array:
        """Ignore surplus positive anchors, then surplus negative ones."""
        settings = self._settings
        limit = int(settings.rpn_fg_fraction * settings.rpn_batchsize)
        for label in (1, 0):
            chosen = np.flatnonzero(labels == label)
            if len(chosen) > limit:
                labels[self.rng.choice(chosen, len(chosen) - limit, replace=False)] = -1
            limit = settings.rpn_batchsize - int((labels == 1).sum())
        return labels

    def _fill(self, top: Any, height: int, width: int, labels: Array, codes: Array) -> None:
        settings = self._settings
        positive, negative = labels == 1, labels == 0
        weight = settings.rpn_positive_weight
        shares = (1 / max(1, (labels >= 0).sum()),) * 2
        if weight >= 0:
            shares = weight / max(1, positive.sum()), (1 - weight) / max(1, negative.sum())
        inside = positive[:, None] * np.array(settings.rpn_bbox_inside_weights)
        outside = np.repeat(positive * shares[0] + negative * shares[1], 4).reshape(-1, 4)
        for blob, values in zip(top, (labels, codes, inside, outside), strict=True):
            grid = values.reshape(1, height, width, -1).transpose(0, 3, 1, 2)
            blob.data[...] = grid.reshape(blob.data.shape)
