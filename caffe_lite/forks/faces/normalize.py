"""Normalize over the channels of each place, with the norm as a second top."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags

_EPSILON = {"L2": 1e-12, "L1": 1e-6}  # added to the sum


@register("Normalize", when=["normalize_param", "softmax_param.normalize_type"])
class ChannelNormalize(Layer):
    """Divides by the norm over the channels of each place, and can give the norm itself:
    y = x / norm, norm = sqrt(sum x^2 + 1e-12), or sum |x| + 1e-6 with `normalize_type: "L1"`.

    bottom[0]  x     (N, C, ...)
    top[0]     y     the shape of x
    top[1]     norm  (N, 1, ...)  optional; passes a gradient on with `bp_norm: true` alone

    Older definitions have `normalize_type` in `softmax_param`.

    With `fix_gradient: true` the gradient of y is not divided by the norm. The fork's CPU adds 1e-6
    to the sum of squares; the number here is that of its GPU.

    Source: happynear/caffe-windows

    Example::

        layer { name: "norm" type: "Normalize" bottom: "fc5" top: "unit" top: "length"
                normalize_param { normalize_type: "L2" bp_norm: true } }
    """

    keeps_layout = True
    type = "Normalize"
    reads = ("normalize_param", "softmax_param")
    extensions = ("softmax_param.normalize_type",)
    tops = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._kind = self.param.normalize_param.normalize_type
        if self.param.softmax_param.HasField("normalize_type"):
            self._kind = self.param.softmax_param.normalize_type
        if self._kind not in _EPSILON:
            raise self.fail(f'normalize_type must be "L1" or "L2", got "{self._kind}"')

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) < 2:
            raise self.fail(f"needs a bottom of at least 2 axes (N, C, ...), got shape {shape}")
        top[0].reshape(*shape)
        self._view = (shape[0], shape[1], prod(shape[2:]))
        self._norm, self._dots = (self.ops.empty((shape[0], 1, self._view[2])) for _ in range(2))
        self._work = self.ops.empty(self._view)
        for blob in top[1:]:
            blob.reshape(shape[0], 1, *shape[2:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, norm, work = self.xp, self._norm, self._work
        x = bottom[0].data.reshape(self._view)
        if self._kind == "L2":
            xp.multiply(x, x, out=work)
        else:
            xp.absolute(x, out=work)
        xp.sum(work, axis=1, keepdims=True, out=norm)
        norm += _EPSILON[self._kind]
        if self._kind == "L2":
            xp.sqrt(norm, out=norm)
        xp.divide(x, norm, out=top[0].data.reshape(self._view))
        for blob in top[1:]:
            blob.data[...] = norm.reshape(blob.shape)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, work, dots, param = self.xp, self._work, self._dots, self.param.normalize_param
        x, dx = (a.reshape(self._view) for a in (bottom[0].data, bottom[0].diff))
        y, dy = (a.reshape(self._view) for a in (top[0].data, top[0].diff))
        xp.multiply(y, dy, out=work)
        xp.sum(work, axis=1, keepdims=True, out=dots)
        slope = y  # of the norm
        if self._kind == "L1":
            slope = xp.sign(x, out=work)
        xp.multiply(slope, dots, out=dx)
        xp.subtract(dy, dx, out=dx)
        if not param.fix_gradient:
            dx /= self._norm
        if param.bp_norm and len(top) > 1:
            dx += xp.multiply(slope, top[1].diff.reshape(dots.shape), out=work)
