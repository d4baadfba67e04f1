"""SoftmaxWithLoss: softmax and the cross-entropy of its true classes."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers._classes import class_view
from caffe_lite.layers._loss import NormalizedLossLayer
from caffe_lite.layers.registry import register


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(NormalizedLossLayer):
    """Multinomial logistic loss of a softmax: loss = -sum log(max(p[label], FLT_MIN)) / normalizer.

    bottom[0]  x      (outer axes, C, inner axes)  class scores; `softmax_param.axis` is that of C
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    `loss_param.normalization` picks the normalizer, at least 1: VALID (labels not ignored, the
    default), FULL (all labels), BATCH_SIZE (outer) or NONE; the older `normalize: false` means
    BATCH_SIZE. `softmax_param.engine` is a hint without effect.

    Caffe: src/caffe/layers/softmax_loss_layer.cpp

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss"
                loss_param { ignore_label: 255 } }
    """

    tops = (1, 2)
    tops_without_gradient = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        self.note_hint(self.param.softmax_param, "engine")
        self.prob = Blob(self.ops)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        self.view = class_view(self, bottom[0], bottom[1], self.param.softmax_param.axis)
        outer, self.classes, inner = self.view
        self.label_view = (outer, inner)
        self.losses = self.ops.empty(self.label_view)
        self.prob.reshape(*shape)
        if len(top) > 1:
            top[1].reshape(*shape)
            top[1].share_data(self.prob)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        prob = self.prob.data.reshape(self.view)
        label = bottom[1].data.reshape(self.label_view)
        self.check_labels(label, self.classes, self.ignore_label)
        self.ops.softmax(bottom[0].data.reshape(self.view), prob)
        total, valid = self.ops.softmax_loss(prob, label, self.ignore_label, self.losses)
        self.divisor = self.normalizer(*self.label_view, valid)
        top[0].data[...] = total / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            self.ops.softmax_loss_grad(
                self.prob.data.reshape(self.view),
                bottom[1].data.reshape(self.label_view),
                self.ignore_label,
                top[0].diff / self.divisor,
                bottom[0].diff.reshape(self.view),
            )
