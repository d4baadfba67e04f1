"""Cross-entropy of independent yes-or-no predictions."""

from caffe_lite.layers._loss import NormalizedLossLayer
from caffe_lite.layers.bnll import softplus
from caffe_lite.layers.registry import register
from caffe_lite.layers.sigmoid import sigmoid
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(NormalizedLossLayer):
    """Cross-entropy of p = sigmoid(x): -sum of (t * log(p) + (1 - t) * log(1 - p)) / normalizer.

    bottom[0]  x     (N, ...)  scores, any numbers
    bottom[1]  t     (N, ...)  as many targets, in [0, 1], or `ignore_label`; takes no gradient
    top[0]     loss  ()

    Backward: dx = dloss * (p - t) / normalizer, 0 for ignored targets. Kept from forward: p, and
    which targets are ignored.

    The normalizer is N unless `loss_param` says otherwise; a target is ignored if it equals
    `ignore_label` after truncation to an integer.

    Caffe: src/caffe/layers/sigmoid_cross_entropy_loss_layer.cpp

    Example::

        layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "target"
                top: "loss" loss_param { ignore_label: -1 normalization: VALID } }
    """

    reads = ("loss_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param, modes = self.param.loss_param, schema.LossParameter
        if not (param.HasField("normalization") or param.HasField("normalize")):
            self._normalization = modes.BATCH_SIZE
        if self._ignore_label is None and self._normalization == modes.VALID:
            self._normalization = modes.FULL  # the same, without counting

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        if bottom[1].count != bottom[0].count:
            raise self.fail_shape(
                1,
                shape,
                f"needs one target per score: bottom[0] is {shape}, bottom[1] {bottom[1].shape}",
            )
        self._terms, self._probability = self.ops.empty(shape), self.ops.empty(shape)
        self._ignored = self.ops.empty(shape, bool)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, terms, work = self.xp, self._terms, self._probability
        x, target = bottom[0].data, bottom[1].data.reshape(terms.shape)
        # -t log(p) - (1 - t) log(1 - p) = log(1 + exp(x)) - t * x
        softplus(xp, x, terms, work)
        xp.multiply(x, target, out=work)
        terms -= work
        valid = None
        if self._ignore_label is not None:
            xp.trunc(target, out=work)
            xp.equal(work, self._ignore_label, out=self._ignored)
            xp.copyto(terms, 0, where=self._ignored)
            valid = x.size - self._ignored.sum(dtype=self.ops.dtype)
        sigmoid(xp, x, self._probability)
        self._divisor = self.normalizer(len(x), x.size // len(x), valid)
        top[0].data[...] = terms.sum() / self._divisor

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            dx, target = bottom[0].diff, bottom[1].data.reshape(self._terms.shape)
            self.xp.subtract(self._probability, target, out=dx)
            if self._ignore_label is not None:
                self.xp.copyto(dx, 0, where=self._ignored)
            dx *= top[0].diff / self._divisor
