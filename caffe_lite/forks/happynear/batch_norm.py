"""happynear's BatchNorm: without the mean, or without the variance."""

from caffe_lite.forks.norms.sums import add_to_sums, read_sums
from caffe_lite.layers import batch_norm
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register(
    "BatchNorm",
    when=[
        "batch_norm_param.disable_mean",
        "batch_norm_param.disable_variance",
    ],
)
class BatchNorm(batch_norm.BatchNorm):
    """Batch normalization in parts: y = (x - mean) / sqrt(var + eps), one of both left out.

        disable_mean      y = x / sqrt(var + eps), with var the mean of x^2
        disable_variance  y = x - mean

    bottom[0]  x       (N, C, ...)
    top[0]     y       the shape of x; may be the bottom
    blobs[0]   mean    (C,)         as of Caffe's BatchNorm; 0 with disable_mean
    blobs[1]   var     (C,)         the same; 0 with disable_variance
    blobs[2]   weight  (1,)         what both are to be divided by

    Source: happynear/caffe-windows

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                batch_norm_param { disable_mean: true } }
    """

    extensions = ("batch_norm_param.disable_mean", "batch_norm_param.disable_variance")

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.batch_norm_param
        self._centred, self._scaled = not param.disable_mean, not param.disable_variance

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._work = self.ops.empty(self._view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ops, xp = self.ops, self.xp
        x, y = self._as_views(bottom[0].data, top[0].data, self._view)
        mean, std = self._mean.data, self._std.data
        if self._global:
            read_sums(xp, self.blobs, mean, std)
        else:
            self._measure(x, mean, std)
            outer, _, inner = self._view
            add_to_sums(self.blobs, mean, std, self._fraction, outer * inner)
        if not self._centred:
            mean[...] = 0
        if self._scaled:
            std += self._eps
            xp.sqrt(std, out=std)
        else:
            std[...] = 1
        normalized = self._normalized.data
        ops.batch_norm_apply(x, mean, std, normalized)
        y[...] = normalized

    def _measure(self, x: Array, mean: Array, var: Array) -> None:
        """mean and var of the batch, 0 for what is left out."""
        self.ops.batch_norm_stats(x, mean, var)
        if not self._centred:
            var += mean * mean
            mean[...] = 0
        if not self._scaled:
            var[...] = 0

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp = self.xp
        dy, dx = self._as_views(top[0].diff, bottom[0].diff, self._view)
        y, work, count = self._normalized.data, self._work, self._view[0] * self._view[2]
        work[...] = 0
        if not self._global and self._scaled:
            xp.multiply(dy, y, out=work)
            dots = work.sum(axis=(0, 2), keepdims=True) / count
            xp.multiply(y, dots, out=work)
        if not self._global and self._centred:
            work += dy.sum(axis=(0, 2), keepdims=True) / count
        xp.subtract(dy, work, out=dx)
        dx /= self._std.data.reshape(-1, 1)
