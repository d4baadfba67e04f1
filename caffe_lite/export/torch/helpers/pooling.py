"""Pooling where PyTorch's layers do not take Caffe's windows, over one to three axes."""

import torch
from torch.nn import functional as F


def pooled(size: int, kernel: int, stride: int, pad: int, ceil: bool, padded: bool) -> int:
    """The number of windows: rounded up, without one that would begin in the far padding."""
    count = (size + 2 * pad - kernel + (stride - 1 if ceil else 0)) // stride + 1
    return count - 1 if padded and (count - 1) * stride >= size + pad else count


def padded_for(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    ceil: bool,
    value: float,
) -> torch.Tensor:
    """x with `value` around it so that all windows fit, also with pad beyond half the kernel."""
    sides: list[int] = []
    for size, k, s, p in reversed(list(zip(x.shape[2:], kernel, stride, pad))):
        count = pooled(size, k, s, p, ceil, any(pad))
        sides += [p, max(0, (count - 1) * s + k - size - p)]
    return F.pad(x, sides, value=value)


def max_pool(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    ceil: bool = True,
) -> torch.Tensor:
    """Max pooling with any padding smaller than the kernel; PyTorch takes up to half of it."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    return pool(padded_for(x, kernel, stride, pad, ceil, -torch.inf), kernel, stride)


def max_pool_mask(
    x: torch.Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    ceil: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Max pooling, and for each maximum its place h * W + w, as a float like every Caffe blob."""
    wide = padded_for(x, kernel, stride, pad, ceil, -torch.inf)
    y, place = F.max_pool2d(wide, kernel, stride, return_indices=True)
    row, column = place // wide.shape[3] - pad[0], place % wide.shape[3] - pad[1]
    return y, (row * x.shape[3] + column).to(x.dtype)


def ave_pool(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    ceil: bool = True,
    include_pad: bool = True,
) -> torch.Tensor:
    """Sums over the size of each window within the padded image, or within the image alone."""
    y = padded_for(x, kernel, stride, pad, ceil, 0.0)
    for axis, (size, k, s, p) in enumerate(zip(x.shape[2:], kernel, stride, pad), 2):
        y = y.unfold(axis, k, s).sum(-1)
        first, last = (0, size + 2 * p) if include_pad else (p, size + p)
        ends = [(max(i * s, first), min(i * s + k, last)) for i in range(y.shape[axis])]
        sizes = torch.tensor([max(end - start, 1) for start, end in ends]).to(y)
        y = y / sizes.reshape(-1, *(1,) * (y.ndim - axis - 1))
    return y


def stochastic_pool(
    x: torch.Tensor, kernel: tuple[int, int], stride: tuple[int, int]
) -> torch.Tensor:
    """Stochastic pooling as it is tested, sum x^2 / sum x, which has no gradient in Caffe."""
    wide = padded_for(x.detach(), kernel, stride, (0, 0), True, 0.0)
    squares = F.avg_pool2d(wide * wide, kernel, stride, divisor_override=1)
    sums = F.avg_pool2d(wide, kernel, stride, divisor_override=1)
    return torch.where(sums > 0, squares / sums, torch.zeros_like(sums))


def spp(x: torch.Tensor, height: int, method: str) -> torch.Tensor:
    """Spatial pyramid pooling: 1, 4, 16 ... bins of the plane, each level padded to whole bins."""
    levels = []
    for level in range(height):
        bins = 2**level
        kernel = tuple(-(-size // bins) for size in x.shape[2:])
        pad = tuple((k * bins - size + 1) // 2 for k, size in zip(kernel, x.shape[2:]))
        y = (max_pool if method == "max" else ave_pool)(x, kernel, kernel, pad)
        levels.append(y if height == 1 else y.flatten(1))
    return torch.cat(levels, 1)
