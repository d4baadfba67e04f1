"""SoftmaxWithLoss: softmax and the cross-entropy of its true classes."""

from typing import ClassVar

from caffe_lite.blob import Blob
from caffe_lite.layers._classes import class_view
from caffe_lite.layers._loss import NormalizedLossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(NormalizedLossLayer):
    """Multinomial logistic loss of a softmax: loss = -sum log(max(p[label], FLT_MIN)) / normalizer.

    bottom[0]  x      (outer axes, C, inner axes)  class scores; `softmax_param.axis` is that of C
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    Backward: dx = dloss * (p - [class is label]) / normalizer, 0 for ignored labels. Kept from
    forward: p.

    `loss_param.normalization` picks the normalizer, at least 1: VALID (labels not ignored, the
    default), FULL (all labels), BATCH_SIZE (outer) or NONE; the older `normalize: false` means
    BATCH_SIZE. `softmax_param.engine` is a hint without effect.

    Caffe: src/caffe/layers/softmax_loss_layer.cpp

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss"
                loss_param { ignore_label: 255 } }
    """

    reads: ClassVar[tuple[str, ...] | None] = ("loss_param", "softmax_param")
    tops = (1, 2)
    tops_without_gradient: ClassVar[tuple[int, ...]] = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self.note_hint(self.param.softmax_param, "engine")
        self._prob = Blob(self.ops)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        self._view = class_view(self, bottom[0], bottom[1], self.param.softmax_param.axis)
        outer, self._classes, inner = self._view
        self._label_view = (outer, inner)
        self._losses = self.ops.empty(self._label_view)
        self._prob.reshape(*shape)
        if len(top) > 1:
            top[1].reshape(*shape)
            top[1].share_data(self._prob)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        prob = self._prob.data.reshape(self._view)
        label = bottom[1].data.reshape(self._label_view)
        self.check_labels(label, self._classes, self._ignore_label)
        self.ops.softmax(bottom[0].data.reshape(self._view), prob)
        total, valid = self.ops.softmax_loss(prob, label, self._ignore_label, self._losses)
        self._divisor = self.normalizer(*self._label_view, valid)
        self.xp.divide(total, self._divisor, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            self.ops.softmax_loss_grad(
                self._prob.data.reshape(self._view),
                bottom[1].data.reshape(self._label_view),
                self._ignore_label,
                top[0].diff / self._divisor,
                bottom[0].diff.reshape(self._view),
            )
