"""Running averages as Caffe's BatchNorm keeps them: sums of old values, and their weight."""

from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.types import Array


def read_sums(xp: Any, blobs: Sequence[Blob], mean: Array, var: Array) -> None:
    """mean and var (C,) from blobs of sums (C,) and (C,) and their weight (1,)."""
    weight = blobs[2].data
    factor = xp.where(weight == 0, 0, 1 / xp.where(weight == 0, 1, weight))
    xp.multiply(blobs[0].data, factor, out=mean)
    xp.multiply(blobs[1].data, factor, out=var)


def add_to_sums(
    blobs: Sequence[Blob], mean: Array, var: Array, fraction: float, count: int
) -> None:
    """S = fraction * S + value, for the mean, the variance of `count` numbers and the weight 1."""
    unbiased = count / (count - 1) if count > 1 else 1.0
    for blob, value in zip(blobs[:3], (mean, unbiased * var, 1), strict=True):
        total = blob.data
        total *= fraction
        total += value
