"""Normalize: division by the Euclidean norm, and a learned scale."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("Normalize")
class Normalize(Layer):
    """Divides by the Euclidean norm and multiplies by a learned scale:
    y = scale * x / sqrt(sum x^2 + eps).

    With `across_spatial` (the default) the sum is over a whole item, else over the channels of each
    place in it.

    bottom[0]  x      (N, C, ...)
    top[0]     y      the shape of x
    blobs[0]   scale  ()           (C,) with `channel_shared: false`; filled by `scale_filler`, or 1

    Differences from SSD: with `channel_shared: false` and scales that differ, SSD's gradient of x
    leaves the scales out of the sum over channels; here it is that of the formula. The gradient of
    a scale of 0 is right as well; SSD divides by it.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "conv4_3_norm" type: "Normalize" bottom: "conv4_3" top: "conv4_3_norm"
                norm_param { across_spatial: false channel_shared: false
                             scale_filler { type: "constant" value: 20 } } }
    """

    keeps_layout = True
    reads = ("norm_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.norm_param
        self.require_elements(bottom)
        self._require_channels(bottom)
        filler = schema.FillerParameter(type="constant", value=1)
        if param.HasField("scale_filler"):
            filler = param.scale_filler
        self.add_blob(() if param.channel_shared else bottom[0].shape[1:2], filler)

    def _require_channels(self, bottom: Blobs) -> None:
        if len(bottom[0].shape) < 2:
            raise self.fail(
                f"needs a bottom of at least 2 axes (N, C, ...), got shape {bottom[0].shape}"
            )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        self._require_channels(bottom)
        shape, scale = bottom[0].shape, self.blobs[0]
        if scale.shape not in ((), shape[1:2]):
            raise self.fail(
                f"has {scale.count} scales for channels, the bottom of shape {shape} has {shape[1]}"
            )
        top[0].reshape(*shape)
        across = self.param.norm_param.across_spatial
        self._view = (shape[0], shape[1], prod(shape[2:]))
        self._summed = (1, 2) if across else (1,)
        sums = (shape[0], 1, 1 if across else self._view[2])
        self._norm, self._dots = self.ops.empty(sums), self.ops.empty(sums)
        self._unit, self._work = self.ops.empty(self._view), self.ops.empty(self._view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, norm = self.xp, self._norm
        x = bottom[0].data.reshape(self._view)
        xp.multiply(x, x, out=self._work)
        xp.sum(self._work, axis=self._summed, keepdims=True, out=norm)
        norm += self.param.norm_param.eps
        xp.sqrt(norm, out=norm)
        xp.divide(x, norm, out=self._unit)
        xp.multiply(self._unit, self._scale(), out=top[0].data.reshape(self._view))

    def _scale(self) -> Array:
        return self.blobs[0].data.reshape(-1, 1)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, work = self.xp, self._work
        dy = top[0].diff.reshape(self._view)
        xp.multiply(dy, self._unit, out=work)
        if self.needs_param_diff(0):
            dscale = self.blobs[0].diff
            dscale += work.sum(axis=(0, 2)) if dscale.shape else work.sum()
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            work *= self._scale()
            xp.sum(work, axis=self._summed, keepdims=True, out=self._dots)
            xp.multiply(self._unit, self._dots, out=work)
            xp.multiply(dy, self._scale(), out=dx)
            dx -= work
            dx /= self._norm
