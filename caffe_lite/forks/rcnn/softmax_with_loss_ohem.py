"""SoftmaxWithLossOHEM: a softmax loss that also gives the loss of each prediction."""

from typing import ClassVar

from caffe_lite.forks.rcnn._pre_fixed import PreFixedNormalizer
from caffe_lite.layers.registry import register
from caffe_lite.layers.softmax_with_loss import SoftmaxWithLoss
from caffe_lite.types import Blobs


@register("SoftmaxWithLossOHEM")
class SoftmaxWithLossOHEM(PreFixedNormalizer, SoftmaxWithLoss):
    """SoftmaxWithLoss that also gives the loss of each prediction, to find hard examples by.

    bottom[0]  x       (outer axes, C, inner axes)  class scores
    bottom[1]  label   outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                    no gradient
    top[0]     loss    ()
    top[1]     p       shape of x                   optional: the probabilities; no gradient
    top[2]     losses  shape of the labels          optional: -log p[label], 0 where it is ignored;
                                                    no gradient

    `loss_param` is that of SoftmaxWithLoss with one more mode, PRE_FIXED: the sum is divided by
    `pre_fixed_normalizer`, at least 1. A SoftmaxWithLoss with three tops is this layer.

    Differences from Intel: with three tops top[1] is filled as well; where labels are ignored, the
    loss is that of R-FCN, which Intel's sum on the CPU is not.

    Source: daijifeng001/caffe-rfcn, intel/caffe

    Example::

        layer { name: "per_roi_loss" type: "SoftmaxWithLossOHEM" bottom: "scores" bottom: "labels"
                top: "loss" top: "prob" top: "per_roi_loss"
                loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 } }
    """

    reads = ("loss_param", "softmax_param")
    tops = (1, 3)
    tops_without_gradient: ClassVar[tuple[int, ...]] = (1, 2)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if len(top) > 2:
            top[2].reshape(*bottom[1].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if len(top) > 2:
            top[2].data[...] = self._losses.reshape(top[2].shape)
