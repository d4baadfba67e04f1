"""Arithmetic along some axes of an array."""

from typing import Any

import torch
from torch import nn


def along(a: torch.Tensor, x: torch.Tensor, axis: int) -> torch.Tensor:
    """`a` as it meets x from `axis` on: PyTorch would line it up with the last axes."""
    return a.reshape(a.shape + (1,) * (x.ndim - axis - a.ndim))


class Scale(nn.Module):
    """x * weight + bias along the axes from `axis` on; in PyTorch only inside other layers."""

    def __init__(self, shape: tuple[int, ...], axis: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.axis = axis
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * along(self.weight, x, self.axis)
        return y if self.bias is None else y + along(self.bias, x, self.axis)


class LimitedScale(Scale):
    """A Scale whose factor every call cuts to an interval, as happynear's fork does it."""

    def __init__(
        self, least: float | None, most: float | None, shape: tuple[int, ...], **options: Any
    ) -> None:
        super().__init__(shape, **options)
        self.least, self.most = least, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            self.weight.clamp_(self.least, self.most)
        return super().forward(x)


class Bias(nn.Module):
    """x + bias along the axes from `axis` on."""

    def __init__(self, shape: tuple[int, ...], axis: int = 1) -> None:
        super().__init__()
        self.axis = axis
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + along(self.bias, x, self.axis)


def eltwise_max(*xs: torch.Tensor) -> torch.Tensor:
    """The maximum, whose gradient goes to one of equal values; torch.maximum halves it."""
    y = torch.where(xs[0] > xs[1], xs[0], xs[1])
    for x in xs[2:]:
        y = torch.where(x > y, x, y)
    return y


def mvn(
    x: torch.Tensor, across_channels: bool, normalize_variance: bool, eps: float
) -> torch.Tensor:
    """Each plane, or item, minus its mean and over its deviation + eps (PyTorch: sqrt(var + eps)).

    The gradient is Caffe's, which takes the deviation + eps for the deviation: c is a constant.
    """
    x = x.reshape(x.shape + (1,) * (4 - x.ndim))
    axes = (1, 2, 3) if across_channels else (2, 3)
    x = x - x.mean(axes, keepdim=True)
    if not normalize_variance:
        return x
    variance = (x * x).mean(axes, keepdim=True)
    c = (variance.detach().sqrt() + eps) ** 2 - variance.detach()
    return x / (variance + c).sqrt()


def argmax(x: torch.Tensor, k: int, dim: int) -> torch.Tensor:
    """Indices of the k largest, largest first; of equal values the last wins, not the first."""
    last = x.shape[dim] - 1
    order = x.flip(dim).argsort(dim=dim, descending=True, stable=True)
    return last - order.narrow(dim, 0, k)


class Embed(nn.Module):
    """Rows of a table; the id -1 is padding, whose row is zero (nn.Embedding has no such id)."""

    def __init__(self, ids: int, size: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(ids, size))
        self.bias = nn.Parameter(torch.zeros(size)) if bias else None

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        ids = ids.long()
        rows = self.weight[ids.clamp(min=0)] * (ids >= 0).unsqueeze(-1)
        return rows if self.bias is None else rows + self.bias


class Constants(nn.Module):
    """Arrays of one value each, which move with the module to its device."""

    def __init__(self, *fills: tuple[tuple[int, ...], float]) -> None:
        super().__init__()
        for i, (shape, value) in enumerate(fills):
            self.register_buffer(f"array{i}", torch.full(shape, float(value)), persistent=False)

    def forward(self) -> torch.Tensor | tuple[torch.Tensor, ...]:
        arrays = tuple(self.buffers())
        return arrays[0] if len(arrays) == 1 else arrays


@torch.no_grad()
def ctc_greedy(
    scores: torch.Tensor, cont: torch.Tensor | None = None, *, blank: int, merge: bool
) -> torch.Tensor:
    """The best class of each step, without blanks and repetitions, then -1; no gradient."""
    best = scores.argmax(2).T
    kept = best != blank
    if merge:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    if cont is not None:
        inside = (cont != 0).reshape(best.shape[::-1]).T.clone()
        inside[:, 0] = True
        kept &= inside.cumprod(1).bool()
    labels = scores.new_full(best.shape, -1.0)
    row, step = kept.nonzero(as_tuple=True)
    labels[row, (kept.cumsum(1) - 1)[row, step]] = best[row, step].to(scores.dtype)
    return labels[:, :, None, None]
