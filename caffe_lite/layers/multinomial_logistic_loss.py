"""Cross-entropy of given probabilities."""

from math import prod

from caffe_lite.layers._loss import LOG_THRESHOLD, LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("MultinomialLogisticLoss")
class MultinomialLogisticLoss(LossLayer):
    """Cross-entropy of given probabilities: -sum of log(max(p[label], 1e-20)) / N.

    SoftmaxWithLoss does the same from scores, and more exactly.

    bottom[0]  p      (N, ...)      a probability per class, K = count / N of them
    bottom[1]  label  (N,)          or (N, 1, ...); integers 0 ... K-1; takes no gradient
    top[0]     loss   ()

    Backward: dp[label] = -dloss / (N * max(p[label], 1e-20)), 0 for the other classes. Kept from
    forward: where the labels are, and the clipped p.

    Caffe: src/caffe/layers/multinomial_logistic_loss_layer.cpp

    Example::

        layer { name: "loss" type: "MultinomialLogisticLoss" bottom: "prob" bottom: "label"
                top: "loss" }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        items, classes = bottom[0].shape[0], prod(bottom[0].shape[1:])
        self.require_labels(bottom[1], items)
        self._hit = self.ops.empty((items, classes), bool)
        self._clipped, self._logs = (self.ops.empty((items, classes)) for _ in range(2))
        self._classes = self.xp.arange(classes, dtype=self.ops.dtype)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, work = self.xp, self._clipped
        label = bottom[1].data.reshape(-1)
        self.check_labels(label, work.shape[1])
        xp.equal(self._classes, xp.trunc(label)[:, None], out=self._hit)
        # Classes other than the label's count as probability 1, whose logarithm is 0.
        work[...] = 1
        xp.copyto(work, bottom[0].data.reshape(work.shape), where=self._hit)
        xp.maximum(work, LOG_THRESHOLD, out=work)
        xp.log(work, out=self._logs)
        top[0].data[...] = -self._logs.sum() / len(work)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            work = self._clipped
            dx = bottom[0].diff.reshape(work.shape)
            self.xp.divide(self._hit, work, out=dx)
            dx *= top[0].diff / -len(work)
