"""Loss of pairs: small for similar ones that are near and others that are far apart."""

from math import prod

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags

_LABELS = 2**31 - 1  # magnitudes that Caffe's int can hold


@register("ContrastiveLoss")
class ContrastiveLoss(LossLayer):
    """Loss that draws similar pairs together and pushes others apart, up to a margin.

    loss = sum of (s * d^2 + (1 - s) * max(margin - d, 0)^2) / (2 N), d = |a - b|; with
    `legacy_version: true` the second term is max(margin - d^2, 0).
    Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.

    bottom[0]  a     (N, C)  or (N, C, 1, 1)
    bottom[1]  b     (N, C)  or (N, C, 1, 1)
    bottom[2]  s     (N,)    or (N, 1, 1, 1); similar unless 0 (after cutting off decimals), within
                             +-2147483646; takes no gradient
    top[0]     loss  ()

    Backward: with v = a - b, da = dloss / N * v for similar pairs, and for the others -dloss / N *
    v * (margin - d) / (d + 1e-4) if d < margin (legacy: -dloss / N * v if d^2 < margin), else 0; db
    = -da. Kept from forward: a - b, d and the gap to the margin.

    The gradient of the second term divides by d + 1e-4 in place of d, as in Caffe.

    Caffe: src/caffe/layers/contrastive_loss_layer.cpp

    Example::

        layer { name: "loss" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "similar"
                top: "loss" contrastive_loss_param { margin: 1.5 } }
    """

    bottoms = (3, 3)
    no_gradient = (2,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.contrastive_loss_param
        self._margin, self._legacy = param.margin, param.legacy_version

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        count, channels = bottom[0].shape[0], prod(bottom[0].shape[1:2])
        for i, values in enumerate((channels, channels, 1)):
            if bottom[i].shape[:1] != (count,) or bottom[i].count != count * values:
                raise self.fail(
                    "needs features (N, C) in bottom[0] and bottom[1] and one label "
                    "per pair (N,) in bottom[2], got shapes "
                    f"{', '.join(str(blob.shape) for blob in bottom)}"
                )
        self._difference, self._work = (self.ops.empty((count, channels)) for _ in range(2))
        self._squared, self._distance, self._gap = (self.ops.empty((count,)) for _ in range(3))
        self._label = self.ops.empty((count,))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, difference, squared, gap = self.xp, self._difference, self._squared, self._gap
        self._check_labels(bottom[2].data.reshape(-1))
        a, b = (bottom[i].data.reshape(difference.shape) for i in (0, 1))
        xp.subtract(a, b, out=difference)
        xp.multiply(difference, difference, out=self._work)
        xp.sum(self._work, axis=1, out=squared)
        xp.sqrt(squared, out=self._distance)
        xp.subtract(self._margin, squared if self._legacy else self._distance, out=gap)
        push = xp.maximum(gap, 0)
        if not self._legacy:
            push *= push
        losses = xp.where(self._similar(bottom), squared, push)
        top[0].data[...] = losses.sum() / (2 * len(losses))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down)
        xp, gap = self.xp, self._gap
        pushed = xp.where(gap > 0, -1.0 if self._legacy else -gap / (self._distance + 1e-4), 0)
        slope = xp.where(self._similar(bottom), 1, pushed).astype(self.ops.dtype)
        slope *= top[0].diff / len(gap)
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                dx = bottom[i].diff.reshape(self._difference.shape)
                xp.multiply(self._difference, (sign * slope)[:, None], out=dx)

    def _check_labels(self, label: Array) -> None:
        self.xp.absolute(label, out=self._label)
        rule = (
            "labels (bottom[2]) must be whole numbers, 0 for a pair that is not similar, with a "
            f"magnitude below {_LABELS}"
        )
        self._require_whole(self._label, _LABELS, rule)

    def _similar(self, bottom: Blobs) -> Array:
        similar: Array = self.xp.trunc(bottom[2].data.reshape(-1)) != 0
        return similar
