"""Accuracy divided by a given number."""

from caffe_lite.layers.accuracy import Accuracy
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Accuracy", when=["accuracy_param.denominator"])
class AccuracyWithDenominator(Accuracy):
    """Hits among the `top_k` best divided by `denominator`; 0: by the labels that count.

    bottom[0]  x         (outer axes, C, inner axes)  scores; `axis` is that of C
    bottom[1]  label     outer * inner elements       integers 0 ... C-1, or `ignore_label`
    top[0]     accuracy  ()                           hits / denominator

    With denominator: 1 it is the number of hits, which sums over batches of different length. There
    is no second top.

    Source: jeffdonahue/caffe, branch recurrent

    Example::

        layer { name: "hits" type: "Accuracy" bottom: "scores" bottom: "label" top: "hits"
                accuracy_param { denominator: 1 } }
    """

    tops = (1, 1)
    extensions = ("accuracy_param.denominator",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._denominator = self.param.accuracy_param.denominator
        if not 0 <= self._denominator < float("inf"):
            raise self.fail(f"denominator must be at least 0, got {self._denominator:g}")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if self._denominator:
            counted = self.xp.maximum(self._counted.sum(), 1)
            top[0].data[...] *= counted / self._denominator
