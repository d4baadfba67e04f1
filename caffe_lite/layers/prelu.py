"""Rectifier with a learned slope."""

from math import prod

from caffe_lite.backend.operations import Activation, Operation
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("PReLU")
class PReLU(Layer):
    """Rectifier with a learned slope: y = max(x, 0) + a * min(x, 0), a per channel or shared.

    He et al., Delving Deep into Rectifiers, ICCV 2015.

    bottom[0]  x  (N, C, ...)   at least 2 axes
    top[0]     y  (N, C, ...)   may be the bottom
    blobs[0]   a  (C,)          () with channel_shared: true; starts at 0.25 without a filler

    Backward: dx = dy where x > 0, else a * dy; da += sum of dy * x over the x <= 0 of the channel.
    Kept from forward: nothing; a copy of x in place.

    Caffe: src/caffe/layers/prelu_layer.cpp

    Example::

        layer { name: "prelu" type: "PReLU" bottom: "x" top: "y"
                prelu_param { filler { type: "constant" value: 0.1 } } }
    """

    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        self._check_axes(bottom[0])
        param = self.param.prelu_param
        self._shared = param.channel_shared
        filler = param.filler if param.HasField("filler") else schema.FillerParameter(value=0.25)
        if not self.blobs:
            self.add_blob(() if self._shared else (bottom[0].shape[1],), filler)
        self._works_in_place = top[0] is bottom[0]
        self._x = Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        self._check_axes(bottom[0])
        channels = bottom[0].shape[1]
        if not self._shared and channels != self.blobs[0].count:
            raise self.fail(
                f"bottom[0] has {channels} channels, the learned slope has {self.blobs[0].count}"
            )
        for blob in (top[0], self._x):
            blob.reshape(*bottom[0].shape)
        # (N, slopes, what shares a slope), as the operations see the arrays.
        slopes = self.blobs[0].count
        self._view = (bottom[0].shape[0], slopes, prod(bottom[0].shape[1:]) // slopes)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if self._works_in_place:
            self._x.data[...] = x
        self.ops.prelu(x.reshape(self._view), self.blobs[0].data.reshape(-1), y.reshape(self._view))

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return Activation("prelu", slopes=self.blobs[0].data.reshape(-1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        x = (self._x if self._works_in_place else bottom[0]).data.reshape(self._view)
        dy = top[0].diff.reshape(self._view)
        slope = self.blobs[0]
        if self.needs_param_diff(0):
            self.ops.prelu_grad_slope(x, dy, slope.diff.reshape(-1))
        if propagate_down[0]:
            self.ops.prelu_grad(x, slope.data.reshape(-1), dy, bottom[0].diff.reshape(self._view))

    def _check_axes(self, blob: Blob) -> None:
        if len(blob.shape) < 2:
            raise self.fail(f"bottom[0] needs at least 2 axes (N, C, ...), got shape {blob.shape}")
