"""Accuracy of distances: the smallest is the best."""

from caffe_lite.blob import Blob
from caffe_lite.layers.accuracy import Accuracy
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Accuracy", when=["accuracy_param.min_is_better"])
class DistanceAccuracy(Accuracy):
    """The share of items whose true class is among the `top_k` best: the largest or smallest.

    With `min_is_better: true` the smallest scores are the best, as for distances.

    bottom[0]  x          (outer axes, C, inner axes)  scores, or distances
    bottom[1]  label      outer * inner elements       integers 0 ... C-1, or `ignore_label`
    top[0]     accuracy   ()                           0 ... 1
    top[1]     per class  (C,)                         optional: 0 for a class without labels

    There is no backward pass: a gradient that is asked for is zero.

    Source: happynear/caffe-windows

    Example::

        layer { name: "accuracy" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy"
                accuracy_param { min_is_better: true } }
    """

    type = "Accuracy"
    reads = ("accuracy_param",)
    extensions = ("accuracy_param.min_is_better",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._negated = Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._negated.reshape(*bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not self.param.accuracy_param.min_is_better:
            super().forward(bottom, top)
            return
        self.xp.negative(bottom[0].data, out=self._negated.data)
        super().forward([self._negated, bottom[1]], top)
