"""Image patches as columns."""

from itertools import product

import torch
from torch.nn import functional as F


def im2col(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    dilation: tuple[int, ...],
) -> torch.Tensor:
    """Patches of (N, C, ...) as (N, C * taps, ...), for any number of axes (F.unfold: two)."""
    x = F.pad(x, [side for each in reversed(pad) for side in (each, each)])
    counts = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation)
    ]
    taps = []
    for tap in product(*map(range, kernel)):
        part = x
        for axis, (t, s, d, count) in enumerate(zip(tap, stride, dilation, counts), 2):
            part = part.narrow(axis, t * d, s * (count - 1) + 1)
            part = part[(slice(None),) * axis + (slice(None, None, s),)]
        taps.append(part)
    return torch.stack(taps, 2).flatten(1, 2)
