"""LRN: local response normalization, across or within channels."""

from caffe_lite.backend.operations import Normalize, Operation
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("LRN")
class LRN(Layer):
    """Local response normalization: y = x * scale^-beta.

        ACROSS_CHANNELS  scale = k + alpha / n * sum of x^2 over n = local_size channels around
        WITHIN_CHANNEL   scale = 1 + alpha / n^2 * sum of x^2 over n x n pixels around

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C, H, W)

    Backward: across channels dx = dy * scale^-beta - 2 alpha beta / n * x * sum of dy * y / scale
    over the n channels around; within a channel the same with n^2 and the n x n pixels around. Kept
    from forward: scale; x and y are read from the bottom and top.

    local_size is odd. WITHIN_CHANNEL does not read k, nor does Caffe. `engine` is a hint without
    effect. Krizhevsky et al., NIPS 2012, section 3.3.

    Caffe: src/caffe/layers/lrn_layer.cpp

    Example::

        layer { name: "norm" type: "LRN" bottom: "data" top: "norm"
                lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 } }
    """

    spatial = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.lrn_param
        self.note_hint(param, "engine")
        self._beta, self._k = param.beta, param.k
        if param.local_size % 2 == 0:
            raise self.fail(f"local_size must be odd, got {param.local_size}")
        self._within = param.norm_region == schema.LRNParameter.WITHIN_CHANNEL

    def top_data_in_backward(self, in_place: bool) -> str:
        return "" if self._within else "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param, shape = self.param.lrn_param, bottom[0].shape
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        top[0].reshape(*shape)
        self._scale = self.ops.empty(shape)
        # A window reaches no farther than from one end of its axis to the other, whatever n is;
        # operations divide alpha by the sizes they are given.
        self._alpha = param.alpha
        sizes = []
        for count in shape[2:] if self._within else shape[1:2]:
            sizes.append(min(param.local_size, 2 * count - 1))
            self._alpha *= sizes[-1] / param.local_size
        self._size = sizes[0]
        if self._within:
            self._window = (tuple(sizes), (1, 1), tuple(size // 2 for size in sizes))
            self._factor, self._work = self.ops.empty(shape), self.ops.empty(shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if not self._within:
            self.ops.lrn_across(x, y, self._scale, self._size, self._alpha, self._beta, self._k)
            return
        self.xp.multiply(x, x, out=self._work)
        self.ops.ave_pool(self._work, self._scale, *self._window)
        self.xp.multiply(self._scale, self._alpha, out=self._scale)
        self.xp.add(self._scale, 1, out=self._scale)
        self.xp.power(self._scale, -self._beta, out=self._factor)
        self.xp.multiply(x, self._factor, out=y)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if self._within:
            return None
        return Normalize(self._size, self._alpha, self._beta, self._k)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        x, dx, dy = bottom[0].data, bottom[0].diff, top[0].diff
        if self._within:
            self._backward_within(x, dy, dx)
        else:
            self.ops.lrn_across_grad(
                x, top[0].data, self._scale, dy, dx, self._size, self._alpha, self._beta
            )

    def _backward_within(self, x: Array, dy: Array, dx: Array) -> None:
        """dx = dy * factor - 2 alpha beta x * pool^T(dy * x * factor / scale)."""
        xp, work = self.xp, self._work
        xp.multiply(dy, x, out=work)
        xp.multiply(work, self._factor, out=work)
        xp.divide(work, self._scale, out=work)
        self.ops.ave_pool_grad(work, dx, *self._window)
        xp.multiply(dx, x, out=dx)
        xp.multiply(dx, -2 * self._alpha * self._beta, out=dx)
        xp.multiply(dy, self._factor, out=work)
        xp.add(dx, work, out=dx)
