"""LRN: local response normalization, across or within channels."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema


@register("LRN")
class LRN(Layer):
    """Local response normalization: y = x * scale^-beta.

        ACROSS_CHANNELS  scale = k + alpha / n * sum of x^2 over n = local_size channels around
        WITHIN_CHANNEL   scale = 1 + alpha * average of x^2 over n x n pixels around, zeros beyond
                         the edge; windows are clipped where they leave the padding of n / 2

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C, H, W)

    local_size is odd. WITHIN_CHANNEL does not read k, nor does Caffe. `engine` is a hint without
    effect. Krizhevsky et al., NIPS 2012, section 3.3.

    Caffe: src/caffe/layers/lrn_layer.cpp

    Example::

        layer { name: "norm" type: "LRN" bottom: "data" top: "norm"
                lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 } }
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.lrn_param
        self.note_hint(param, "engine")
        self.size = param.local_size
        self.alpha, self.beta, self.k = param.alpha, param.beta, param.k
        if self.size % 2 == 0:
            raise self.fail(f"local_size must be odd, got {self.size}")
        self.within = param.norm_region == schema.LRNParameter.WITHIN_CHANNEL
        if self.within:
            self.window = ((self.size,) * 2, (1, 1), (self.size // 2,) * 2)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        top[0].reshape(*shape)
        self.scale = self.ops.empty(shape)
        if self.within:
            self.factor, self.work = self.ops.empty(shape), self.ops.empty(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        if not self.within:
            self.ops.lrn_across(x, y, self.scale, self.size, self.alpha, self.beta, self.k)
            return
        self.xp.multiply(x, x, out=self.work)
        self.ops.ave_pool(self.work, self.scale, *self.window)
        self.xp.multiply(self.scale, self.alpha, out=self.scale)
        self.xp.add(self.scale, 1, out=self.scale)
        self.xp.power(self.scale, -self.beta, out=self.factor)
        self.xp.multiply(x, self.factor, out=y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        x, dx, dy = bottom[0].data, bottom[0].diff, top[0].diff
        if self.within:
            self._backward_within(x, dy, dx)
        else:
            self.ops.lrn_across_grad(
                x, top[0].data, self.scale, dy, dx, self.size, self.alpha, self.beta
            )

    def _backward_within(self, x: object, dy: object, dx: object) -> None:
        """dx = dy * factor - 2 alpha beta x * pool^T(dy * x * factor / scale)."""
        xp, work = self.xp, self.work
        xp.multiply(dy, x, out=work)
        xp.multiply(work, self.factor, out=work)
        xp.divide(work, self.scale, out=work)
        self.ops.ave_pool_grad(work, dx, *self.window)
        xp.multiply(dx, x, out=dx)
        xp.multiply(dx, -2 * self.alpha * self.beta, out=dx)
        xp.multiply(dy, self.factor, out=work)
        xp.add(dx, work, out=dx)
