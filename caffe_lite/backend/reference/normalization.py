"""Local response normalization across channels, and batch normalization."""

from typing import Any

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.per_channel import per_channel
from caffe_lite.types import Array


class ReferenceNormalization(OpsBase):
    """Normalization of x (N, C, *S) across channels, or per channel over all other axes."""

    def lrn_across(
        self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        """y = x * scale^-beta, scale = k + alpha / size * sum of x^2 over `size` channels.

        The window is centred on each channel and clipped to valid channels. The gradient needs
        scale. Krizhevsky et al. 2012, section 3.3, with Caffe's division by size.
        """
        scale[...] = k + alpha / size * _channel_window(self.xp, x * x, size, (size - 1) // 2)
        y[...] = x * scale**-beta

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
        window = _channel_window(self.xp, dy * y / scale, size, size // 2)
        dx[...] = dy * scale**-beta - 2 * alpha * beta / size * x * window

    def batch_norm_stats(self, x: Array, mean: Array, var: Array) -> None:
        """mean, var (C,): over every axis of x (N, C, *S) but 1; var divides by the count."""
        axes = (0, *range(2, x.ndim))
        mean[...] = x.mean(axis=axes)
        var[...] = self.xp.square(x - per_channel(mean, x)).mean(axis=axes)

    def batch_norm_apply(self, x: Array, mean: Array, std: Array, y: Array) -> None:
        """y = (x - mean) / std per channel; y may be x."""
        self.xp.subtract(x, per_channel(mean, x), out=y)
        y /= per_channel(std, x)

    def batch_norm_grad(self, y: Array, std: Array, dy: Array, dx: Array) -> None:
        """dx = (dy - mean(dy) - mean(dy * y) * y) / std, means as in `batch_norm_stats`.

        y is the result of `batch_norm_apply` with the batch's own mean and std; dx may be dy.
        """
        axes = (0, *range(2, y.ndim))
        mean_dy = dy.mean(axis=axes)
        mean_dy_y = (dy * y).mean(axis=axes)
        centred = dy - per_channel(mean_dy, y) - per_channel(mean_dy_y, y) * y
        self.xp.divide(centred, per_channel(std, y), out=dx)


def _channel_window(xp: Any, a: Array, size: int, before: int) -> Array:
    """Sum of a (N, C, *S) over channels c - before ... c - before + size - 1, zeros outside."""
    padded = xp.pad(a, ((0, 0), (before, size - 1 - before), *((0, 0),) * (a.ndim - 2)))
    total = xp.zeros_like(a)
    for i in range(size):
        total += padded[:, i : i + a.shape[1]]
    return total
