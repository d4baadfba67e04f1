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


def pad_same(x: torch.Tensor, extent: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    """Zeros around x as TensorFlow's SAME adds them: by x's size, an odd one at the end."""
    sides: list[int] = []
    for size, e, s in reversed(list(zip(x.shape[2:], extent, stride))):
        missing = max((-(-size // s) - 1) * s + e - size, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(x, sides)


def resize_corners(x: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Linear interpolation that keeps the corner pixels, also to a single pixel."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def flow_warp(x: torch.Tensor, flow: torch.Tensor, fill: float) -> torch.Tensor:
    """Each pixel from where the flow points, bilinear; `fill` where that is outside."""
    height, width = x.shape[2:]
    column = flow[:, 0] + torch.arange(width).to(x)
    row = flow[:, 1] + torch.arange(height).to(x)[:, None]
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    column = torch.where(inside, column, torch.zeros_like(column))
    row = torch.where(inside, row, torch.zeros_like(row))
    left, upper = column.detach().floor(), row.detach().floor()
    across, down = (column - left)[:, None], (row - upper)[:, None]
    left, upper = left.long(), upper.long()
    right, lower = (left + 1).clamp(max=width - 1), (upper + 1).clamp(max=height - 1)
    flat, y = x.flatten(2), torch.zeros_like(x)
    for rows, columns, weight in (
        (upper, left, (1 - across) * (1 - down)),
        (upper, right, across * (1 - down)),
        (lower, left, (1 - across) * down),
        (lower, right, across * down),
    ):
        places = (rows * width + columns).flatten(1)[:, None].expand(-1, x.shape[1], -1)
        y = y + weight * flat.gather(2, places).view_as(x)
    return torch.where(inside[:, None], y, torch.full_like(y, fill))


def correlation(
    a: torch.Tensor,
    b: torch.Tensor,
    kernel: int,
    displacement: int,
    stride: tuple[int, int],
    pad: int,
    multiply: bool,
) -> torch.Tensor:
    """FlowNet's: how alike patches of two images are, for each shift of the second."""
    height, width = (
        -(-(size + 2 * pad - 2 * displacement - kernel + 1) // stride[0]) for size in a.shape[2:]
    )
    a, b = (F.pad(x, (pad, pad, pad, pad)) for x in (a, b))

    def patch(x: torch.Tensor, row: int, column: int) -> torch.Tensor:
        rows = slice(row, row + (height - 1) * stride[0] + 1, stride[0])
        columns = slice(column, column + (width - 1) * stride[0] + 1, stride[0])
        return x[:, :, rows, columns]

    reach = displacement // stride[1]
    shifts = [i * stride[1] for i in range(-reach, reach + 1)]
    y = []
    for down in shifts:
        for right in shifts:
            total = a.new_zeros(len(a), height, width)
            for tap in range(kernel**2):
                row, column = displacement + tap // kernel, displacement + tap % kernel
                one, other = patch(a, row, column), patch(b, row + down, column + right)
                product = (
                    one * other if multiply else torch.where(one >= other, one - other, other - one)
                )
                total = total + product.sum(1)
            y.append(total / (kernel**2 * a.shape[1]))
    return torch.stack(y, 1)
