"""SegNet's SoftmaxWithLoss: with a weight for each class."""

import logging

from caffe_lite.layers import softmax_with_loss
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

log = logging.getLogger("caffe_lite.layers")


@register(
    "SoftmaxWithLoss", when=["loss_param.weight_by_label_freqs", "loss_param.class_weighting"]
)
class SoftmaxWithLoss(softmax_with_loss.SoftmaxWithLoss):
    """Multinomial logistic loss of a softmax, weighted by the class of the label:
    loss = -sum weight[label] log(max(p[label], FLT_MIN)) / normalizer.

    With `loss_param.weight_by_label_freqs: true` the weights are those of `class_weighting`, one
    for each class. Without them they are one over the number of labels of that class in the batch.

    bottom[0]  x      (outer axes, C, inner axes)  class scores; `softmax_param.axis` is that of C
    bottom[1]  label  outer * inner elements       integers 0 ... C-1, or `ignore_label`; takes
                                                   no gradient
    top[0]     loss   ()
    top[1]     p      shape of x                   optional: the probabilities; no gradient

    The normalizer is that of Caffe's SoftmaxWithLoss; weights do not count in it. As in SegNet,
    `class_weighting` without `weight_by_label_freqs` has no effect.

    Source: alexgkendall/caffe-segnet

    Example::

        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss"
                loss_param { weight_by_label_freqs: true class_weighting: 0.5 class_weighting: 2
                             class_weighting: 1 ignore_label: 255 } }
    """

    extensions = ("loss_param.weight_by_label_freqs", "loss_param.class_weighting")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.loss_param
        self._weighted = param.weight_by_label_freqs
        self._given = list(param.class_weighting)
        if not self._weighted:
            log.warning(
                'layer "%s": class_weighting has no effect without weight_by_label_freqs: true',
                self.name,
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if not self._weighted:
            return
        if self._given and len(self._given) != self._classes:
            raise self.fail(
                f"needs one class_weighting for each of {self._classes} classes, "
                f"got {len(self._given)}"
            )
        self._per_class = self.ops.zeros((self._classes, 1))
        if self._given:
            self._per_class[:, 0] = self.ops.asarray(self._given)
        outer, inner = self._label_view
        self._ids = self.ops.empty((outer * inner,), "int32")
        self._weights = self.ops.empty((outer * inner, 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if not self._weighted:
            return
        self._find_weights(bottom[1].data)
        losses = self._losses.reshape(-1)
        losses *= self._weights[:, 0]
        self.xp.divide(losses.sum(), self._divisor, out=top[0].data)

    def _find_weights(self, label: Array) -> None:
        """The weight of each label; any number for those that are ignored."""
        ops, xp, ids = self.ops, self.xp, self._ids
        ids[...] = label.reshape(-1)
        if not self._given:
            self._per_class[...] = 0
            self._weights[...] = 1
            ops.scatter_add(self._per_class, ids, self._weights)  # others than classes fall out
            xp.maximum(self._per_class, 1, out=self._per_class)
            xp.divide(1, self._per_class, out=self._per_class)
        xp.clip(ids, 0, self._classes - 1, out=ids)
        ops.take(self._per_class, ids, self._weights)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if self._weighted and propagate_down[0]:
            outer, inner = self._label_view
            dx = bottom[0].diff.reshape(self._view)
            dx *= self._weights.reshape(outer, 1, inner)
