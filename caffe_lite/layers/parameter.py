"""Parameter: a learned blob as a top."""

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register


@register("Parameter")
class Parameter(Layer):
    """A learned blob for other layers to use: top = blobs[0].

    top[0]    the blob  parameter_param.shape
    blobs[0]  the blob  parameter_param.shape, starts as zeros

    Differences from Caffe: its top and the learned blob share one diff, so with `iter_size` above 1
    only the last gradient counts there; here gradients add up, as in every layer.

    Caffe: include/caffe/layers/parameter_layer.hpp

    Example::

        layer { name: "scores" type: "Parameter" top: "scores"
                parameter_param { shape { dim: 3 dim: 4 } } }
    """

    bottoms = (0, 0)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.blobs:
            self.add_blob(tuple(self.param.parameter_param.shape.dim))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.blobs[0].count:
            raise self.fail(
                f"every dim of parameter_param.shape must be at least 1, got {self.blobs[0].shape}"
            )
        top[0].reshape(*self.blobs[0].shape)
        top[0].share_data(self.blobs[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The top looks at the learned blob's memory."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if self.needs_param_diff(0):
            diff = self.blobs[0].diff
            self.xp.add(diff, top[0].diff, out=diff)
