"""Dropout in the TEST phase as well, as Bayesian SegNet samples."""

from caffe_lite.layers import dropout
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Dropout", when=["dropout_param.sample_weights_test"])
class Dropout(dropout.Dropout):
    """Dropout that can be active in both phases: y = x * mask, as of Caffe's Dropout.

    With `sample_weights_test: true` each TEST pass is a sample from a Bayesian net; the mean over
    many is its prediction and the variance its uncertainty. Kendall et al., BMVC 2017.

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    Source: alexgkendall/caffe-segnet

    Example::

        layer { name: "drop" type: "Dropout" bottom: "x" top: "y"
                dropout_param { dropout_ratio: 0.5 sample_weights_test: true } }
    """

    extensions = ("dropout_param.sample_weights_test",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        if self.param.dropout_param.sample_weights_test and self._ratio > 0:
            self._active, self._noise = True, self.stream
