"""EltwiseAccuracy: how often the true class of a pixel is among the best."""

from caffe_lite.layers import accuracy
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("EltwiseAccuracy")
class EltwiseAccuracy(accuracy.Accuracy):
    """The share of pixels whose class scores among the `top_k` best; 0 if all are ignored.

    bottom[0]  x         (N, C, H, W)  scores of C classes
    bottom[1]  label     (N, 1, H, W)  integers 0 ... C-1, or `ignore_label`
    top[0]     accuracy  ()            0 ... 1

    There is no backward pass: a gradient that is asked for is zero.

    Differences from HyeonwooNoh's layer: ties are misses, as in Caffe's Accuracy; there the higher
    class wins.

    Source: HyeonwooNoh/caffe

    Example::

        layer { name: "accuracy" type: "EltwiseAccuracy" bottom: "scores" bottom: "label"
                top: "accuracy" eltwise_accuracy_param { ignore_label: 255 } }
    """

    reads = ("eltwise_accuracy_param",)
    tops = (1, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.eltwise_accuracy_param
        self._top_k = param.top_k
        self._ignore_label = param.ignore_label if param.HasField("ignore_label") else None
