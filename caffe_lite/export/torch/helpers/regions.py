"""Pooling of regions, rows (image, x1, y1, x2, y2) in pixels of the input image."""

import torch


def half_away(x: torch.Tensor) -> torch.Tensor:
    """Rounded, halves away from zero as in C; torch.round takes them to even numbers."""
    return x.sign() * (x.abs() + 0.5).floor()


def roi_windows(
    first: torch.Tensor, last: torch.Tensor, scale: float, count: int, size: int
) -> list[list[list[int]]]:
    """Begin and end of each of `count` windows of each region along one side of the image."""
    begin, end = half_away(first * scale), half_away(last * scale)
    step = (end - begin + 1).clamp(min=1)[:, None] / count
    i = torch.arange(count, dtype=first.dtype, device=first.device)
    edges = torch.stack([(i * step).floor(), ((i + 1) * step).ceil()], 2) + begin[:, None, None]
    return edges.clamp(0, size).long().tolist()


def roi_pool(
    x: torch.Tensor,
    regions: torch.Tensor,
    size: tuple[int, int],
    scale: float,
    pad_ratio: float = 0,
) -> torch.Tensor:
    """Fast R-CNN's: the maximum of each of size[0] x size[1] windows; 0 for an empty one."""
    regions = regions.detach().reshape(-1, 5)
    sides = (regions[:, 3:5] - regions[:, 1:3] + 1) * pad_ratio
    first, last = regions[:, 1:3] - sides, regions[:, 3:5] + sides
    rows = roi_windows(first[:, 1], last[:, 1], scale, size[0], x.shape[2])
    columns = roi_windows(first[:, 0], last[:, 0], scale, size[1], x.shape[3])
    y = []
    for image, down, across in zip(regions[:, 0].long().tolist(), rows, columns):
        for top, bottom in down:
            for left, right in across:
                if 0 <= image < len(x) and top < bottom and left < right:
                    y.append(x[image, :, top:bottom, left:right].flatten(1).max(1).values)
                else:
                    y.append(x.new_zeros(x.shape[1]))
    return torch.stack(y).reshape(len(regions), *size, -1).permute(0, 3, 1, 2)


def align_regions(
    x: torch.Tensor, regions: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """Windows as weighted sums: rows (R, OH, H) and columns (R, OW, W) weigh the pixels."""
    image = regions[:, 0].long()
    exists = ((image >= 0) & (image < len(x))).to(x.dtype)[:, None, None, None]
    chosen = x[image.clamp(0, len(x) - 1)]
    return (rows[:, None] @ chosen @ columns[:, None].transpose(2, 3)) * exists


def mean_weights(
    first: torch.Tensor, last: torch.Tensor, scale: float, count: int, size: int
) -> torch.Tensor:
    """The weight (R, count, size) of each pixel in the mean of each of R-FCN's windows."""
    begin = half_away(first) * scale
    step = (((half_away(last) + 1) * scale - begin).clamp(min=0.1) / count)[:, None]
    i = torch.arange(count, dtype=first.dtype, device=first.device)
    begins = (i * step + begin[:, None]).floor().clamp(0, size)[..., None]
    ends = ((i + 1) * step + begin[:, None]).ceil().clamp(0, size)[..., None]
    pixel = torch.arange(size, device=first.device)
    return ((pixel >= begins) & (pixel < ends)) / (ends - begins).clamp(min=1)


def psroi_pool(
    x: torch.Tensor, regions: torch.Tensor, outputs: int, side: int, scale: float
) -> torch.Tensor:
    """R-FCN's: means of side x side windows, each from channels of its own."""
    regions = regions.detach().reshape(-1, 5)
    rows = mean_weights(regions[:, 2], regions[:, 4], scale, side, x.shape[2])
    columns = mean_weights(regions[:, 1], regions[:, 3], scale, side, x.shape[3])
    image = regions[:, 0].long()
    exists = ((image >= 0) & (image < len(x))).to(x.dtype)[:, None, None, None]
    x = x.reshape(len(x), outputs, side, side, *x.shape[2:])
    y = [
        torch.einsum("dijhw,ih,jw->dij", x[n], down, across)
        for n, down, across in zip(image.clamp(0, len(x) - 1).tolist(), rows, columns)
    ]
    return torch.stack(y) * exists


def linear_weights(places: torch.Tensor, size: int) -> torch.Tensor:
    """The weights (..., size) of pixels in points interpolated linearly between two of them."""
    pixel = torch.arange(size, dtype=places.dtype, device=places.device)
    distance = (places.clamp(0, size - 1)[..., None] - pixel).abs()
    return (1 - distance).clamp(min=0)


def roi_align(
    x: torch.Tensor, regions: torch.Tensor, size: tuple[int, int], scale: float
) -> torch.Tensor:
    """Mask R-CNN's: the mean of ceil(h) x ceil(w) points in each window of h x w pixels."""
    regions = regions.detach().reshape(-1, 5)

    def weights(first: torch.Tensor, last: torch.Tensor, count: int, length: int) -> torch.Tensor:
        begin = first * scale
        step = (last * scale - begin).clamp(min=1) / count
        found = []
        for start, wide in zip(begin, step):
            points = int(wide.ceil().clamp(max=16 * length))
            at = torch.arange(count * points, dtype=x.dtype, device=x.device)
            places = start + (at + 0.5) / points * wide
            inside = ((places >= -1) & (places <= length))[:, None]
            weight = torch.where(inside, linear_weights(places, length), places.new_zeros(()))
            found.append(weight.reshape(count, points, length).mean(1))
        return torch.stack(found)

    rows = weights(regions[:, 2], regions[:, 4], size[0], x.shape[2])
    columns = weights(regions[:, 1], regions[:, 3], size[1], x.shape[3])
    return align_regions(x, regions, rows, columns)


def grid_align(
    x: torch.Tensor, regions: torch.Tensor, size: tuple[int, int], scale: float, pad_ratio: float
) -> torch.Tensor:
    """Cascade R-CNN's: x interpolated at the corners of size[0] x size[1] windows."""
    regions = regions.detach().reshape(-1, 5)

    def weights(first: torch.Tensor, last: torch.Tensor, count: int, length: int) -> torch.Tensor:
        pad = (last - first + 1) * pad_ratio
        begin = (first - pad) * scale - 0.5
        long = (last + pad) * scale - 0.5 - begin
        i = torch.arange(count, dtype=x.dtype, device=x.device)
        places = begin[:, None] + i * (long / (count - 1))[:, None]
        inside = (places >= -0.5) & (places <= length - 0.5) & (long > 0)[:, None]
        return torch.where(inside[..., None], linear_weights(places, length), places.new_zeros(()))

    rows = weights(regions[:, 2], regions[:, 4], size[0] + 1, x.shape[2])
    columns = weights(regions[:, 1], regions[:, 3], size[1] + 1, x.shape[3])
    return align_regions(x, regions, rows, columns)
