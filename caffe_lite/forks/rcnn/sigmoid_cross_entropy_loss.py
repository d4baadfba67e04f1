"""SigmoidCrossEntropyLoss with a fixed normalizer."""

from caffe_lite.forks.rcnn._pre_fixed import PreFixedNormalizer
from caffe_lite.layers.registry import register
from caffe_lite.layers.sigmoid_cross_entropy_loss import SigmoidCrossEntropyLoss


@register("SigmoidCrossEntropyLoss", when=["loss_param.pre_fixed_normalizer"])
class PreFixedSigmoidCrossEntropyLoss(PreFixedNormalizer, SigmoidCrossEntropyLoss):
    """SigmoidCrossEntropyLoss divided by a given number.

    One more mode of `loss_param.normalization`, PRE_FIXED: the sum is divided by
    `pre_fixed_normalizer`, at least 1.

    bottom[0]  x     (N, ...)  scores, any numbers
    bottom[1]  t     (N, ...)  as many targets, in [0, 1], or `ignore_label`; takes no gradient
    top[0]     loss  ()

    Source: intel/caffe

    Example::

        layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "target"
                top: "loss" loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 16 } }
    """

    type = "SigmoidCrossEntropyLoss"
    reads = ("loss_param",)
