"""Local response normalization across channels and batch normalization on the GPU."""

from math import prod

from caffe_lite.backend.gpu.arrays import GpuArrays
from caffe_lite.types import Array


class GpuNormalization(GpuArrays):
    """Normalization of x (N, C, *S) across channels, or per channel over all other axes."""

    def lrn_across(
        self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        """y = x * scale^-beta, scale = k + alpha / size * sum of x^2 over `size` channels."""
        shape = (x.shape[1], prod(x.shape[2:]))
        self.launch("lrn_across", x.size, x.size, x, y, scale, *shape, size, alpha / size, beta, k)

    def lrn_across_grad(
        self,
        x: Array,
        y: Array,
        scale: Array,
        dy: Array,
        dx: Array,
        size: int,
        alpha: float,
        beta: float,
    ) -> None:
        """dx = dy * scale^-beta - 2 alpha beta / size * x * window sum of (dy * y / scale)."""
        shape = (x.shape[1], prod(x.shape[2:]))
        self.launch(
            "lrn_across_grad", x.size, x.size, x, y, scale, dy, dx, *shape, size, alpha / size, beta
        )

    def batch_norm_stats(self, x: Array, mean: Array, var: Array) -> None:
        """mean, var (C,): over every axis of x (N, C, *S) but 1; var divides by the count."""
        share = x.shape[1] / x.size
        self.channel_sum("channel_sum", (x,), x.shape, mean, share)
        self.channel_sum("channel_deviation", (x, mean), x.shape, var, share)

    def batch_norm_apply(self, x: Array, mean: Array, std: Array, y: Array) -> None:
        """y = (x - mean) / std per channel; y may be x."""
        shape = (x.shape[1], prod(x.shape[2:]))
        self.launch("batch_norm_apply", x.size, x.size, x, mean, std, y, *shape)

    def batch_norm_grad(self, y: Array, std: Array, dy: Array, dx: Array) -> None:
        """dx = (dy - mean(dy) - mean(dy * y) * y) / std; dx may be dy."""
        channels, share = y.shape[1], y.shape[1] / y.size
        means = self.empty((2, channels))
        self.channel_sum("channel_sum", (dy,), y.shape, means[0], share)
        self.channel_sum("channel_product", (dy, y), y.shape, means[1], share)
        shape = (channels, prod(y.shape[2:]))
        self.launch("batch_norm_grad", y.size, y.size, y, std, dy, means[0], means[1], dx, *shape)
