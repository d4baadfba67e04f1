"""Channels normalized, mixed and moved."""

import torch
from torch import nn

from caffe_lite.export.torch.helpers.arithmetic import along
from caffe_lite.export.torch.helpers.normalization import BatchNorm


class ChannelNorm(nn.Module):
    """weight * (x - mean) / sqrt(variance + eps) + bias for each channel on `axis`.

    `momentum` is the share that running averages keep in training; None normalizes by the batch,
    also in evaluation. nn.BatchNorm2d counts it the other way round, and corrects the variance.
    """

    def __init__(
        self,
        channels: int,
        eps: float,
        momentum: float | None = None,
        axis: int = 1,
        affine: bool = True,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.eps, self.momentum, self.axis, self.frozen = eps, momentum, axis, frozen
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        if momentum is not None:
            self.register_buffer("mean", torch.zeros(channels))
            self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = [1] * x.ndim
        shape[self.axis] = -1
        if self.momentum is None or (self.training and not self.frozen):
            axes = [i for i in range(x.ndim) if i != self.axis]
            variance, mean = torch.var_mean(x, axes, correction=0)
            if self.momentum is not None:
                self.mean.lerp_(mean.detach(), 1 - self.momentum)
                self.variance.lerp_(variance.detach(), 1 - self.momentum)
        else:
            mean, variance = self.mean, self.variance
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        if self.weight is None:
            return y
        return y * self.weight.view(shape) + self.bias.view(shape)


class ScaledBatchNorm(nn.Module):
    """BatchNorm with a scale, a bias and a ReLU inside, as Intel's and NVIDIA's forks have it."""

    def __init__(
        self,
        channels: int,
        eps: float,
        fraction: float,
        scale: bool,
        bias: bool,
        relu: bool = False,
        always_global: bool = False,
    ) -> None:
        super().__init__()
        self.norm = BatchNorm(channels, eps, fraction, always_global)
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        y = y if self.weight is None else y * along(self.weight, y, 1)
        y = y if self.bias is None else y + along(self.bias, y, 1)
        return y.relu() if self.relu else y


class Normalize(nn.Module):
    """SSD's: x over its length, at each place or in each whole item, times a learned scale."""

    def __init__(self, scales: tuple[int, ...], across_spatial: bool, eps: float) -> None:
        super().__init__()
        self.across_spatial, self.eps = across_spatial, eps
        self.weight = nn.Parameter(torch.ones(scales))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = list(range(1, x.ndim)) if self.across_spatial else [1]
        length = ((x * x).sum(axes, keepdim=True) + self.eps).sqrt()
        return x / length * along(self.weight, x, 1)


def shuffle_channels(x: torch.Tensor, groups: int) -> torch.Tensor:
    """Channels of several groups interleaved, for any number of axes behind them."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def reorg(x: torch.Tensor, stride: int, reverse: bool) -> torch.Tensor:
    """Darknet's: squares of pixels as channels, which reads memory in another shape than x's."""
    n, c, h, w = x.shape
    inner = c // stride**2
    if reverse:
        planes = x.reshape(n, stride, stride, inner, h, w).permute(0, 3, 4, 1, 5, 2)
        return planes.reshape(n, inner, h * stride, w * stride)
    pixels = x.reshape(n, inner, h, stride, w, stride).permute(0, 3, 5, 1, 2, 4)
    return pixels.reshape(n, c * stride**2, h // stride, w // stride)


class UnitRows(nn.Module):
    """nn.Linear, or distances, with rows of length one; the scaling passes no gradient on."""

    def __init__(
        self, inputs: int, outputs: int, bias: bool = False, distance: str = "", unit: bool = True
    ) -> None:
        super().__init__()
        self.distance, self.unit = distance, unit
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.unit:
            with torch.no_grad():
                length = ((self.weight * self.weight).sum(1, keepdim=True) + 1e-6).sqrt()
                self.weight /= length
        if self.distance:
            difference = x[..., None, :] - self.weight
            terms = difference.abs() if self.distance == "L1" else difference * difference
            return terms.sum(-1)
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias
