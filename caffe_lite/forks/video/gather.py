"""Gather: the parts of a batch from all processes; one process has it whole."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Gather")
class Gather(Layer):
    """The bottoms, as one process gathers them from itself. Tops share their memory.

    bottom[i]  x_i  any shape
    top[i]     y_i  the shape of x_i

    Differences from yjxiong/caffe: batches are never spread over processes.

    Source: yjxiong/caffe

    Example::

        layer { name: "gather" type: "Gather" bottom: "pool5_local" bottom: "label_local"
                top: "pool5" top: "label" }
    """

    bottoms = (1, None)
    tops = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if len(bottom) != len(top):
            raise self.fail(
                f"makes one top per bottom, got {len(bottom)} bottoms and {len(top)} tops"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        for below, above in zip(bottom, top, strict=True):
            above.reshape(*below.shape)
            above.share_data(below)
            above.share_diff(below)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Nothing moves."""

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Nothing moves."""
