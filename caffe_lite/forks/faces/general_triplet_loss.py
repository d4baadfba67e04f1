"""GeneralTripletLoss: distances to all classes, the own one the smallest by a margin."""

from caffe_lite.forks.faces._rows import LabelledLoss
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("GeneralTripletLoss")
class GeneralTripletLoss(LabelledLoss):
    """Pulls items nearer to their own class than to all others, by a margin:
    loss = negative_weight * sum over other classes of max(0, own + margin - d) / N.

    With `hardest_only` only the nearest other class of each item counts. With `positive_first` an
    item whose own distance is above `positive_upper_bound` has no such terms.

    bottom[0]  d          (N, C)  distances of items to classes
    bottom[1]  label      (N,)    integers 0 ... C-1; takes no gradient
    bottom[2]  weight     (N,)    optional: of each item's gradient; takes no gradient
    top[0]     loss       ()
    top[1]     distances  (2,)    optional: the mean distance to the own and to the other classes;
                                  no gradient

    The gradient is the fork's own: -negative_weight for each other class that counts, and
    positive_weight once for the own class, if any other counts, or always with `add_center_loss`
    and where `positive_first` holds.

    Source: happynear/caffe-windows

    Example::

        layer { name: "loss" type: "GeneralTripletLoss" bottom: "distances" bottom: "label"
                top: "loss" general_triplet_loss_param { margin: 0.8 } }
    """

    bottoms = (2, 3)
    tops = (1, 2)
    no_gradient = (1, 2)
    tops_without_gradient = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if self._view[1] < 2:
            raise self.fail(f"needs distances (N, C) to two classes or more, got {self._view}")
        for blob in bottom[2:]:
            self.require_labels(blob, self._view[0])
        for blob in top[1:]:
            blob.reshape(2)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param = self.xp, self.param.general_triplet_loss_param
        self.read_labels(bottom)
        distances = bottom[0].data.reshape(self._view)
        own = xp.where(self._own, distances, 0).sum(axis=1, keepdims=True)
        gaps = xp.where(self._own, 0, xp.maximum(own + param.margin - distances, 0))
        if param.hardest_only:
            classes = xp.arange(self._view[1])
            gaps *= classes == gaps.argmax(axis=1)[:, None]
        self._far = own[:, 0] > param.positive_upper_bound
        if param.positive_first:
            gaps *= ~self._far[:, None]
        self._counted = gaps > 0
        top[0].data[...] = abs(param.negative_weight) * gaps.sum() / len(gaps)
        for blob in top[1:]:
            self._describe(distances, own, blob.data)

    def _describe(self, distances: Array, own: Array, out: Array) -> None:
        count, classes = self._view
        out[0] = own.sum() / count
        out[1] = (distances.sum() - own.sum()) / (count * (classes - 1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        if not propagate_down[0]:
            return
        param, xp = self.param.general_triplet_loss_param, self.xp
        drawn = self._counted.any(axis=1) | param.add_center_loss
        if param.positive_first:
            drawn |= self._far
        dx = bottom[0].diff.reshape(self._view)
        dx[...] = xp.where(self._counted, -param.negative_weight, 0)
        dx += (self._own & drawn[:, None]) * param.positive_weight
        for weight in bottom[2:]:
            dx *= weight.data.reshape(-1, 1)
        dx *= top[0].diff / len(dx)
