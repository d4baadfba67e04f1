"""ContinuationIndicator: where sequences begin."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("ContinuationIndicator")
class ContinuationIndicator(Layer):
    """Zeros for the first step of a batch of sequences, ones for the others.

    top[0]  cont  (time_step, batch_size)

    Source: xmfbit/warpctc-caffe

    Example::

        layer { name: "cont" type: "ContinuationIndicator" top: "cont"
                continuation_indicator_param { time_step: 5 batch_size: 2 } }
    """

    bottoms = (0, 0)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.continuation_indicator_param
        if not param.time_step or not param.batch_size:
            raise self.fail(
                f"needs time_step and batch_size, got {param.time_step} and {param.batch_size}"
            )
        top[0].reshape(param.time_step, param.batch_size)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = 1
        top[0].data[0] = 0

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Nothing is below."""
