"""FocalLoss: a softmax loss in which sure predictions count less."""

from caffe_lite.layers.registry import register
from caffe_lite.layers.softmax_with_loss import SoftmaxWithLoss
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("FocalLoss")
class FocalLoss(SoftmaxWithLoss):
    """Softmax loss weighted by how unsure the prediction is:
    loss = -alpha sum (1 - p)^gamma log(p) / normalizer, with p = the label's probability.

    With `type: ONEADDP` the weight is (1 + p)^gamma. Lin et al., Focal Loss for Dense Object
    Detection, ICCV 2017.

    bottom[0]  x      (outer axes, C, inner axes)  class scores; `softmax_param.axis` is that of C
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    The normalizer is that of SoftmaxWithLoss. `beta` has no effect, as there.

    Differences from happynear's: its alpha takes the place of the 1 in (1 - p)^gamma, and is 1 by
    default; here it is a factor, 0.25 by default, as in the other forks.

    Source: xialuxi/arcface-caffe, xxradon/PytorchToCaffe, happynear/caffe-windows

    Example::

        layer { name: "loss" type: "FocalLoss" bottom: "scores" bottom: "label" top: "loss"
                focal_loss_param { gamma: 2 alpha: 0.25 } }
    """

    reads = ("focal_loss_param", "loss_param", "softmax_param")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.focal_loss_param
        if not param.gamma >= 0 or not param.alpha > 0:
            raise self.fail(
                "gamma must be at least 0 and alpha positive, got "
                f"{param.gamma:g} and {param.alpha:g}"
            )
        self._sign = 1 if param.type == schema.FocalLossParameter.ONEADDP else -1

    def _weights(self) -> tuple[Array, Array]:
        """The weight (outer, inner) of each label's loss, and of its gradient."""
        xp, param = self.xp, self.param.focal_loss_param
        p = xp.exp(-self._losses)
        base = xp.maximum(1 + self._sign * p, 1e-10)
        weight = base**param.gamma
        slope = self._sign * param.gamma * weight / base * p * -self._losses
        return param.alpha * weight, param.alpha * (weight + slope)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        weight, self._slope = self._weights()
        top[0].data[...] = (weight * self._losses).sum() / self._divisor

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            dx *= self._slope[:, None]
