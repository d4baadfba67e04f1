"""Proposal: the regions that a region proposal network finds, on the host."""

import numpy as np

from caffe_lite.forks.boxes.anchors import base_anchors
from caffe_lite.forks.rcnn._proposals import Proposals
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Proposal")
class Proposal(Layer):
    """The best boxes of a region proposal network, as regions for the layers that pool them.

    Every cell has an anchor for each `ratio` (height / width) and `scale` (in multiples of
    `base_size`), ratio by ratio, shifted by `feat_stride` pixels from cell to cell. Codes move and
    resize the anchors; boxes are cut to the image, and those with a side shorter than `min_size`
    times the image's scale take the score 0. The `pre_nms_topn` best go through non-maximum
    suppression with `nms_thresh`; the `post_nms_topn` best that remain are the regions. Ren et al.,
    Faster R-CNN, NIPS 2015. Runs on the host.

    bottom[0]  scores  (N, 2 A, H, W)  of A anchors: background, then objects
    bottom[1]  codes   (N, 4 A, H, W)  (dx, dy, dw, dh) of each anchor
    bottom[2]  info    (N, 3 or 4)     the image's height, width and scale, or both scales (down,
                                       across); one row serves all images
    top[0]     rois    (R, 5)          rows (image, x1, y1, x2, y2), by image, best first
    top[1]     scores  (R,)            optional

    It has no gradient; R changes from batch to batch. With `anchor`, Vitis-AI's fields count:
    anchors are given as (left, top, right, bottom) for the first cell; `stride_h`, `stride_w`,
    `nms_input_num`, `nms_output_num`, `nms_iou_th`, `min_height` and `min_width` are their names
    of the rest.

    Differences from the forks: boxes and scores that are NaN are dropped, equal scores go by
    index, and where no box remains the whole image is the region. caffe-windows counts `scale` in
    pixels; here it is in multiples of `base_size`, as in mini-caffe and OpenCV.

    Source: luoyetx/mini-caffe, happynear/caffe-windows, Xilinx/Vitis-AI

    Example::

        layer { name: "proposal" type: "Proposal" bottom: "rpn_cls_prob" bottom: "rpn_bbox_pred"
                bottom: "im_info" top: "rois"
                proposal_param { ratio: 0.5 ratio: 1 scale: 8 post_nms_topn: 5 } }
    """

    bottoms = (3, 3)
    tops = (1, 2)
    no_gradient = (0, 1, 2)
    tops_without_gradient = (0, 1)
    host_side = True
    varying_axis = 0

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.rule = self._given_rule() if self.param.proposal_param.anchor else self._rule_of_grid()

    def _rule_of_grid(self) -> Proposals:
        param = self.param.proposal_param
        if not param.ratio or not param.scale:
            raise self.fail("needs at least one ratio and one scale, or the anchors themselves")
        if not param.base_size or min(param.ratio) <= 0 or min(param.scale) <= 0:
            raise self.fail("base_size and every ratio and scale must be positive")
        if not param.feat_stride:
            raise self.fail("feat_stride must be positive, got 0")
        anchors = base_anchors(np, param.base_size, list(param.ratio), list(param.scale))
        return Proposals(
            anchors,
            (param.feat_stride, param.feat_stride),
            (param.min_size, param.min_size),
            param.pre_nms_topn,
            param.post_nms_topn,
            param.nms_thresh,
            keep_small=True,
        )

    def _given_rule(self) -> Proposals:
        param = self.param.proposal_param
        if not param.stride_h or not param.stride_w or not param.HasField("nms_iou_th"):
            raise self.fail("anchors need stride_h, stride_w and nms_iou_th beside them")
        corners = [[each.left, each.top, each.right, each.bottom] for each in param.anchor]
        return Proposals(
            np.array(corners),
            (param.stride_h, param.stride_w),
            (param.min_height, param.min_width),
            param.nms_input_num,
            param.nms_output_num,
            param.nms_iou_th,
            keep_small=True,
        )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        scores, codes, info = (blob.shape for blob in bottom)
        count = len(self.rule.anchors)
        if (
            len(scores) != 4
            or scores[1] != 2 * count
            or codes != (scores[0], 4 * count, *scores[2:])
        ):
            raise self.fail(
                f"has {count} anchors and needs scores (N, {2 * count}, H, W) and codes "
                f"(N, {4 * count}, H, W), got shapes {scores} and {codes}"
            )
        if info[0] not in (1, scores[0]) or bottom[2].count not in (3 * info[0], 4 * info[0]):
            raise self.fail(
                "needs a row of height, width and scale, or both scales, for each image in "
                f"bottom[2], got shape {info}"
            )
        if not top[0].count or top[0].shape[-1:] != (5,):
            top[0].reshape(1, 5)
            for blob in top[1:]:
                blob.reshape(1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores, codes, info = (self.ops.to_host(blob.data) for blob in bottom)
        info = np.broadcast_to(info.reshape(len(info), -1), (len(scores), info[0].size))
        found = [self.rule.find(*image) for image in zip(scores, codes, info, strict=True)]
        images = np.repeat(np.arange(len(found)), [len(boxes) for boxes, _ in found])
        boxes, best = (np.concatenate(each) for each in zip(*found, strict=True))
        top[0].reshape(len(images), 5)
        self.ops.copy_to_device(np.column_stack([images, boxes]), top[0].data)
        if len(top) > 1:
            top[1].reshape(len(images))
            self.ops.copy_to_device(best, top[1].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
