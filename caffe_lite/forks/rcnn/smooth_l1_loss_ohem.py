"""SmoothL1LossOHEM: R-FCN's SmoothL1Loss under a name of its own."""

from caffe_lite.forks.rcnn.smooth_l1_loss import SmoothL1Loss
from caffe_lite.layers.registry import register


@register("SmoothL1LossOHEM")
class SmoothL1LossOHEM(SmoothL1Loss):
    """SmoothL1Loss that also gives the loss of each place, to find hard examples by.

    It divides by N * H * W unless `loss_param.normalization` says else; the rest is as in
    SmoothL1Loss.

    bottom[0]  x      (N, C, ...)
    bottom[1]  t      (N, C, ...)     takes a gradient too
    bottom[2]  w_in   (N, C, ...)     optional: weights of the differences; no gradient
    bottom[3]  w_out  (N, C, ...)     optional: weights of the terms; no gradient
    top[0]     loss   ()
    top[1]     terms  (N, 1, H, W)    optional: the sum over C for each place, not divided; no
                                      gradient

    Source: daijifeng001/caffe-rfcn, intel/caffe

    Example::

        layer { name: "per_roi_loss" type: "SmoothL1LossOHEM" bottom: "bbox_pred"
                bottom: "bbox_targets" bottom: "bbox_weights" top: "loss" top: "per_roi_loss"
                loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 } }
    """

    by_place = True
