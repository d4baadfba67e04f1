"""Images made larger or smaller."""

import torch
from torch.nn import functional as F


def place_pixels(x: torch.Tensor, mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Each pixel at the place h * W + w that the mask gives, in a plane of zeros of this size."""
    places = mask.detach().long().flatten(2)
    y = x.new_zeros(*x.shape[:2], size[0] * size[1])
    return y.scatter(2, places, x.flatten(2)).unflatten(2, size)


def unpool(
    x: torch.Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    size: tuple[int, int],
    method: str,
) -> torch.Tensor:
    """Each pixel spread over its pooling window: to its corner, or in equal parts or copies."""
    one = (1, 1) if method == "MAX" else kernel
    weight = x.new_ones(x.shape[1], 1, *one)
    rows, columns = (
        torch.tensor([min(k, n - i * s) for i in range(count)], dtype=x.dtype, device=x.device)
        for k, s, n, count in zip(kernel, stride, size, x.shape[2:])
    )
    x = x / (rows[:, None] * columns) if method == "AVE" else x
    y = F.conv_transpose2d(x, weight, stride=stride, groups=x.shape[1])
    y = y[:, :, : size[0], : size[1]]
    return F.pad(y, (0, size[1] - y.shape[3], 0, size[0] - y.shape[2]))


def repeat_pixels(x: torch.Tensor, scale: tuple[int, int]) -> torch.Tensor:
    """Each pixel as a rectangle of pixels."""
    return x.repeat_interleave(scale[0], 2).repeat_interleave(scale[1], 3)


def interp(
    x: torch.Tensor,
    size: tuple[int, int] | None,
    shrink: int,
    zoom: int,
    begin: int,
    end: int,
) -> torch.Tensor:
    """Bilinear interpolation that keeps the corner pixels, to a size or by whole factors."""
    height, width = x.shape[2:]
    x = x[:, :, begin : height - end, begin : width - end]
    made = size or tuple((n - 1) // shrink * zoom + 1 for n in x.shape[2:])
    return F.interpolate(x, size=tuple(made), mode="bilinear", align_corners=True)
