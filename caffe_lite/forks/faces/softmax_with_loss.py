"""SoftmaxWithLoss that says how scores are normalized."""

from caffe_lite.layers.registry import register
from caffe_lite.layers.softmax_with_loss import SoftmaxWithLoss
from caffe_lite.types import Blobs


@register("SoftmaxWithLoss", when=["softmax_param.normalize_type"])
class NormalizedSoftmaxWithLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss with `normalize_type: "Softmax"` written out; L1 and L2 are refused.

    bottom[0]  x      (outer axes, C, inner axes)  class scores
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    Source: happynear/caffe-windows

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss"
                softmax_param { normalize_type: "Softmax" } }
    """

    type = "SoftmaxWithLoss"
    reads = ("loss_param", "softmax_param")
    extensions = ("softmax_param.normalize_type",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        kind = self.param.softmax_param.normalize_type
        if kind != "Softmax":
            raise self.fail(
                f'normalize_type must be "Softmax", got "{kind}"; put a Normalize before the loss'
            )
