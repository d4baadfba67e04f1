"""SoftmaxWithLoss with a fixed normalizer."""

from caffe_lite.forks.rcnn._pre_fixed import PreFixedNormalizer
from caffe_lite.layers.registry import register
from caffe_lite.layers.softmax_with_loss import SoftmaxWithLoss


@register("SoftmaxWithLoss", when=["loss_param.pre_fixed_normalizer"])
class PreFixedSoftmaxWithLoss(PreFixedNormalizer, SoftmaxWithLoss):
    """SoftmaxWithLoss divided by a given number.

    One more mode of `loss_param.normalization`, PRE_FIXED: the sum is divided by
    `pre_fixed_normalizer`, at least 1.

    bottom[0]  x      (outer axes, C, inner axes)  class scores
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    Source: intel/caffe

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss"
                loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 16 } }
    """

    type = "SoftmaxWithLoss"
    reads = ("loss_param", "softmax_param")
