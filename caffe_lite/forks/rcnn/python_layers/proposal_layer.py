"""`module: "rpn.proposal_layer"`: the regions that a region proposal network finds, on the host."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.rcnn._proposals import Proposals
from caffe_lite.forks.rcnn.python_layers.anchor_layer import AnchorLayer


class ProposalLayer(AnchorLayer):
    """The best boxes of a region proposal network; the type Proposal does the same.

    bottom[0]  scores  (1, 2 A, H, W)  of A anchors: background, then objects
    bottom[1]  codes   (1, 4 A, H, W)
    bottom[2]  info    (1, 3)          height, width and scale of the image
    top[0]     rois    (R, 5)          rows (0, x1, y1, x2, y2), best first
    top[1]     scores  (R, 1)          optional

    `param_str` gives feat_stride, and perhaps scales (8, 16, 32) and ratios (0.5, 1, 2);
    RPN_PRE_NMS_TOP_N, RPN_POST_NMS_TOP_N, RPN_NMS_THRESH and RPN_MIN_SIZE are settings.
    """

    varying_axis = 0

    def setup(self, bottom: Any, top: Any) -> None:
        settings = self.read()
        self.rule = Proposals(
            self.anchors,
            (self.stride, self.stride),
            (settings.rpn_min_size, settings.rpn_min_size),
            settings.rpn_pre_nms_top_n or (12000 if self.train else 6000),
            settings.rpn_post_nms_top_n or (2000 if self.train else 300),
            settings.rpn_nms_thresh,
        )
        top[0].reshape(1, 5)
        if len(top) > 1:
            top[1].reshape(1, 1)

    def forward(self, bottom: Any, top: Any) -> None:
        self.require_one_image(bottom)
        scores, codes, info = (blob.data for blob in bottom[:3])
        count = len(self.anchors)
        if scores.shape[1] != 2 * count or codes.shape[1] != 4 * count:
            raise DataError(
                f"{count} anchors need {2 * count} scores and {4 * count} codes for each cell, "
                f"got {scores.shape[1]} and {codes.shape[1]}"
            )
        boxes, best = self.rule.find(scores[0], codes[0], info.reshape(-1)[:3])
        top[0].reshape(len(boxes), 5)
        top[0].data[...] = np.column_stack([np.zeros(len(boxes)), boxes])
        if len(top) > 1:
            top[1].reshape(len(best), 1)
            top[1].data[:, 0] = best
