"""GeneralContrastiveLoss: small distances to the own class, large ones to others."""

from caffe_lite.forks.faces._rows import LabelledLoss
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("GeneralContrastiveLoss")
class GeneralContrastiveLoss(LabelledLoss):
    """Penalizes distances above a margin to the own class, below another to other classes:
    loss = sum of positive_weight * min(positive_outlier_thresh, max(0, d - positive_margin)) for
    the own class + negative_weight * max(0, negative_margin - d) for the others, / N.

    With `exp_negative_weight` a term of another class below the margin is exp(-d). With
    `max_negative_only` only the nearest other class of each item counts. With `positive_first` an
    item whose own distance is above `positive_upper_bound` is only drawn to its class.

    bottom[0]  d          (N, C)  distances of items to classes
    bottom[1]  label      (N,)    integers 0 ... C-1; takes no gradient
    top[0]     loss       ()
    top[1]     distances  (2,)    optional: the means of the first and of the second kind of terms,
                                  without weights; no gradient

    The gradient of an own distance is zero from `positive_outlier_thresh` on, as in the fork, where
    the loss grows up to `positive_margin` more.

    Differences from the fork: `max_positive_only`, `add_intra_mae` and a third bottom are refused;
    weights are not negative.

    Source: happynear/caffe-windows

    Example::

        layer { name: "loss" type: "GeneralContrastiveLoss" bottom: "distances" bottom: "label"
                top: "loss" general_contrastive_loss_param { negative_margin: 1.5 } }
    """

    tops = (1, 2)
    tops_without_gradient = (1,)
    # It has no effect here, but public nets have it beside the loss's own message.
    extensions = ("general_triplet_loss_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.general_contrastive_loss_param
        for name in ("max_positive_only", "add_intra_mae"):
            if getattr(param, name):
                raise self.fail(f"{name} is not supported; remove it")
        if min(param.positive_weight, param.negative_weight) < 0:
            raise self.fail(
                "weights must not be negative, got "
                f"{param.positive_weight:g} and {param.negative_weight:g}"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if self._view[1] < 2:
            raise self.fail(f"needs distances (N, C) to two classes or more, got {self._view}")
        for blob in top[1:]:
            blob.reshape(2)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param = self.xp, self.param.general_contrastive_loss_param
        self.read_labels(bottom)
        own, distances = self._own, bottom[0].data.reshape(self._view)
        above = xp.maximum(distances - param.positive_margin, 0)
        above = xp.where(own, xp.minimum(above, param.positive_outlier_thresh), 0)
        below = xp.where(own, 0, xp.maximum(param.negative_margin - distances, 0))
        terms = xp.where(below > 0, xp.exp(-distances), 0) if param.exp_negative_weight else below
        counted = below > 0
        if param.max_negative_only:
            counted &= xp.arange(self._view[1]) == terms.argmax(axis=1)[:, None]
        if param.positive_first:
            far = xp.where(own, distances, 0).sum(axis=1) > param.positive_upper_bound
            counted &= ~far[:, None]
        inside = (distances > param.positive_margin) & (distances < param.positive_outlier_thresh)
        if param.positive_first:
            inside |= far[:, None]
        self._slope = xp.where(own & inside, param.positive_weight, 0).astype(self.ops.dtype)
        slopes = -terms if param.exp_negative_weight else -1
        self._slope += counted * param.negative_weight * slopes
        count, classes = self._view
        total = param.positive_weight * above.sum()
        total += param.negative_weight * (terms * counted).sum()
        top[0].data[...] = total / count
        for blob in top[1:]:
            blob.data[0] = above.sum() / count
            blob.data[1] = below.sum() / (count * (classes - 1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            self.xp.multiply(self._slope, top[0].diff / len(dx), out=dx)
