"""Input: blobs that the caller fills."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Input")
class Input(Layer):
    """Tops that the caller fills before forward.

    top[i]  any shape: the i-th `shape`, or the only one for all tops; without `shape` the caller
            reshapes the blob

    Caffe: src/caffe/layers/input_layer.cpp

    Example::

        layer { name: "data" type: "Input" top: "data"
                input_param { shape { dim: 2 dim: 3 dim: 8 dim: 9 } } }
    """

    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        shapes = self.param.input_param.shape
        if len(shapes) not in (0, 1, len(top)):
            raise self.fail(
                f"shape must be given once, once per top ({len(top)}) or not at all, "
                f"got {len(shapes)}"
            )
        for i, blob in enumerate(top):
            if shapes:
                blob.reshape(*shapes[0 if len(shapes) == 1 else i].dim)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Keep the shapes that the caller gave."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Keep the data that the caller gave."""

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Nothing is below."""
