"""SigmoidCrossEntropyBalanceLoss: logistic loss of edges, which are few."""

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.bnll import softplus
from caffe_lite.layers.registry import register
from caffe_lite.layers.sigmoid import sigmoid
from caffe_lite.types import Blobs, Flags


@register("SigmoidCrossEntropyBalanceLoss")
class SigmoidCrossEntropyBalanceLoss(LossLayer):
    """Logistic loss in which edges and background of an image weigh the same in all.

        loss = 1 / N sum over images of (n0 sum over edges of log(1 + exp(-x))
                                         + n1 sum over background of log(1 + exp(x))) / (n0 + n1)

    n1 and n0 are the numbers of targets 1 and 0 in the image; other targets do not count. Xie and
    Tu, Holistically-Nested Edge Detection, ICCV 2015; Caelles et al., OSVOS, CVPR 2017.

    bottom[0]  x       (N, ...)  scores
    bottom[1]  target  as many   1: edge, 0: background, others: ignored; takes no gradient
    top[0]     loss    ()

    Differences from the forks: targets other than 0 and 1 take no gradient, where that of their
    code is not scaled; an image without any 0 and 1 adds 0, there NaN.

    Source: kmaninis/OSVOS-caffe, s9xie/hed

    Example::

        layer { name: "loss" type: "SigmoidCrossEntropyBalanceLoss" bottom: "x" bottom: "target"
                top: "loss" }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        if bottom[1].count != bottom[0].count:
            raise self.fail_shape(
                1,
                shape,
                f"needs one target per score: bottom[0] is {shape}, bottom[1] {bottom[1].shape}",
            )
        self._view = (shape[0], bottom[0].count // shape[0])
        self._terms, self._work, self._weights = (self.ops.empty(self._view) for _ in range(3))
        self._edges, self._others = (self.ops.empty(self._view, bool) for _ in range(2))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, terms, weights = self.xp, self._terms, self._weights
        x, target = (blob.data.reshape(self._view) for blob in bottom)
        xp.equal(target, 1, out=self._edges)
        xp.equal(target, 0, out=self._others)
        edges = self._edges.sum(axis=1, keepdims=True, dtype=self.ops.dtype)
        others = self._others.sum(axis=1, keepdims=True, dtype=self.ops.dtype)
        total = xp.maximum(edges + others, 1) * self._view[0]
        xp.multiply(self._edges, others / total, out=weights)
        xp.multiply(self._others, edges / total, out=terms)
        weights += terms
        # -log sigmoid(x) = log(1 + exp(x)) - x
        softplus(xp, x, terms, self._work)
        xp.copyto(self._work, 0)
        xp.copyto(self._work, x, where=self._edges)
        terms -= self._work
        terms *= weights
        top[0].data[...] = terms.sum()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            sigmoid(self.xp, bottom[0].data.reshape(self._view), dx)
            dx -= self._edges
            dx *= self._weights
            dx *= top[0].diff
