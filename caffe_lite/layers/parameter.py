"""Parameter: a learned blob as a top."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Parameter")
class Parameter(Layer):
    """A learned blob for other layers to use: top = blobs[0].

    top[0]    the blob  parameter_param.shape
    blobs[0]  the blob  parameter_param.shape, starts as zeros

    Backward: dblob += dtop. Kept from forward: nothing.

    Differences from Caffe: its top and the learned blob share one diff, so with `iter_size` above 1
    only the last gradient counts there; here gradients add up, as in every layer.

    Caffe: include/caffe/layers/parameter_layer.hpp

    Example::

        layer { name: "scores" type: "Parameter" top: "scores"
                parameter_param { shape { dim: 3 dim: 4 } } }
    """

    bottoms = (0, 0)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if not self.blobs:
            self.add_blob(tuple(self.param.parameter_param.shape.dim))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if not self.blobs[0].count:
            raise self.fail(
                f"every dim of parameter_param.shape must be at least 1, got {self.blobs[0].shape}"
            )
        top[0].reshape(*self.blobs[0].shape)
        top[0].share_data(self.blobs[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """The top shares the learned blob's data."""

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if self.needs_param_diff(0):
            diff = self.blobs[0].diff
            self.xp.add(diff, top[0].diff, out=diff)
