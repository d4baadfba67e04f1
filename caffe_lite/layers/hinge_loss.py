"""Margin loss of one-against-all scores."""

from math import prod

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("HingeLoss")
class HingeLoss(LossLayer):
    """One-against-all margin loss: sum of max(0, 1 - t * x)^p / N, t = 1 for the label, else -1.

    `norm: L1` means p = 1, `norm: L2` p = 2.

    bottom[0]  x      (N, ...)      a score per class, K = count / N of them
    bottom[1]  label  (N,)          or (N, 1, ...); integers 0 ... K-1; takes no gradient
    top[0]     loss   ()

    Backward: with m = max(0, 1 - t * x), dx = -dloss / N * t * p * m^(p - 1), for p = 1 where m >
    0. Kept from forward: t with its sign turned, and m.

    Caffe: src/caffe/layers/hinge_loss_layer.cpp

    Example::

        layer { name: "loss" type: "HingeLoss" bottom: "scores" bottom: "label" top: "loss"
                hinge_loss_param { norm: L2 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._squares = self.param.hinge_loss_param.norm == schema.HingeLossParameter.L2

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        items, classes = bottom[0].shape[0], prod(bottom[0].shape[1:])
        self.require_labels(bottom[1], items)
        self._sign, self._margin = (self.ops.empty((items, classes)) for _ in range(2))
        self._classes = self.xp.arange(classes, dtype=self.ops.dtype)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, sign, margin = self.xp, self._sign, self._margin
        label = bottom[1].data.reshape(-1)
        self.check_labels(label, sign.shape[1])
        # -t: -1 for the label's class, 1 for the others
        xp.equal(self._classes, xp.trunc(label)[:, None], out=sign)
        sign *= -2
        sign += 1
        xp.multiply(bottom[0].data.reshape(sign.shape), sign, out=margin)
        margin += 1
        xp.maximum(margin, 0, out=margin)
        flat = margin.reshape(-1)
        total = xp.dot(flat, flat) if self._squares else flat.sum()
        top[0].data[...] = total / len(label)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if not propagate_down[0]:
            return
        xp, sign, margin = self.xp, self._sign, self._margin
        dx = bottom[0].diff.reshape(sign.shape)
        if self._squares:
            xp.multiply(margin, 2, out=dx)
        else:
            xp.sign(margin, out=dx)
        dx *= sign
        dx *= top[0].diff / len(sign)
