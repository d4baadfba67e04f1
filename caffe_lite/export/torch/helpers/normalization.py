"""Normalization by Caffe's formulas."""

import torch
from torch import nn
from torch.nn import functional as F


class BatchNorm(nn.Module):
    """Caffe's: sums of batch statistics and the factor that divides them; no scale, no bias."""

    def __init__(
        self, channels: int, eps: float, fraction: float = 0.999, always_global: bool = False
    ) -> None:
        super().__init__()
        self.eps, self.fraction, self.always_global = eps, fraction, always_global
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.zeros(channels))
        self.register_buffer("factor", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2) if x.ndim > 1 else (-1,)
        if self.training and not self.always_global:
            axes = [i for i in range(x.ndim) if i != 1] if x.ndim > 1 else [0]
            variance, mean = torch.var_mean(x, axes, correction=0)
            self.update(mean.detach(), variance.detach(), x.numel() // mean.numel())
        else:
            share = 0.0 if self.factor.item() == 0 else 1 / self.factor
            mean, variance = self.mean * share, self.variance * share
        return (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)

    def update(self, mean: torch.Tensor, variance: torch.Tensor, count: int) -> None:
        """Take one batch's statistics, of `count` values for each channel, into the sums."""
        unbiased = count / (count - 1) if count > 1 else 1.0
        for total, value in (
            (self.mean, mean),
            (self.variance, unbiased * variance),
            (self.factor, 1),
        ):
            total.mul_(self.fraction).add_(value)


def lrn_within(x: torch.Tensor, size: int, alpha: float, beta: float) -> torch.Tensor:
    """Local response normalization over size x size pixels; PyTorch has it over channels only."""
    return x * (1 + alpha * F.avg_pool2d(x * x, size, 1, size // 2)) ** -beta


class PartBatchNorm(BatchNorm):
    """happynear's: without the mean, or without the variance."""

    def __init__(self, channels: int, eps: float, fraction: float, mean: bool, scale: bool) -> None:
        super().__init__(channels, eps, fraction)
        self.centred, self.scaled = mean, scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes, shape = [i for i in range(x.ndim) if i != 1], (1, -1) + (1,) * (x.ndim - 2)
        if self.training:
            mean = x.mean(axes) if self.centred else torch.zeros_like(self.mean)
            variance = (x - mean.view(shape)).square().mean(axes)
            variance = variance if self.scaled else torch.zeros_like(self.variance)
            self.update(mean.detach(), variance.detach(), x.numel() // mean.numel())
        else:
            share = 0.0 if self.factor.item() == 0 else 1 / self.factor
            mean, variance = self.mean * share, self.variance * share
        y = x - mean.view(shape) if self.centred else x
        return y / (variance + self.eps).sqrt().view(shape) if self.scaled else y
