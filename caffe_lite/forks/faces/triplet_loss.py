"""TripletLoss: an anchor nearer to its like than to others, by a margin."""

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("TripletLoss")
class TripletLoss(LossLayer):
    """Pulls anchors nearer to similar items than to others, by a margin:
    loss = sum max(0, margin + |a - p|^2 - |a - n|^2) / (2 N).

    bottom[0]  a     (N, ...)  anchors
    bottom[1]  p     (N, ...)  items like them
    bottom[2]  n     (N, ...)  others
    top[0]     loss  ()

    All bottoms take a gradient. Schroff et al., FaceNet, CVPR 2015.

    Source: happynear/caffe-windows

    Example::

        layer { name: "loss" type: "TripletLoss" bottom: "anchor" bottom: "positive"
                bottom: "negative" top: "loss" triplet_loss_param { margin: 0.2 } }
    """

    bottoms = (3, 3)
    no_gradient = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shapes = [blob.shape for blob in bottom]
        if len(set(shapes)) > 1:
            raise self.fail(f"all bottoms must have one shape, got {', '.join(map(str, shapes))}")
        view = (shapes[0][0], bottom[0].count // shapes[0][0])
        self._like, self._unlike, self._work = (self.ops.empty(view) for _ in range(3))
        self._gaps, self._far = (self.ops.empty(view[:1]) for _ in range(2))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, gaps = self.xp, self._gaps
        anchor, like, unlike = (blob.data.reshape(self._work.shape) for blob in bottom)
        for difference, other, sums in (
            (self._like, like, gaps),
            (self._unlike, unlike, self._far),
        ):
            xp.subtract(anchor, other, out=difference)
            xp.multiply(difference, difference, out=self._work)
            xp.sum(self._work, axis=1, out=sums)
        gaps -= self._far
        gaps += self.param.triplet_loss_param.margin
        xp.maximum(gaps, 0, out=gaps)
        top[0].data[...] = gaps.sum() / (2 * len(gaps))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        # The halves of the derivatives: n - p for a, p - a for p, a - n for n.
        near = (self._gaps > 0)[:, None] * (top[0].diff / len(self._gaps))
        for i, blob in enumerate(bottom):
            if not propagate_down[i]:
                continue
            dx = blob.diff.reshape(self._work.shape)
            if i == 0:
                self.xp.subtract(self._like, self._unlike, out=dx)
            elif i == 1:
                self.xp.negative(self._like, out=dx)
            else:
                dx[...] = self._unlike
            dx *= near
