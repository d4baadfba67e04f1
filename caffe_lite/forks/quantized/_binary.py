"""Binary weights."""

from typing import Any

from caffe_lite.types import Array


def binarize(xp: Any, weight: Array, binary: Array, use_alpha: bool) -> None:
    """Write the signs of weights (O, ...), 1 for 0, times the mean size of a row by `use_alpha`."""
    xp.copyto(binary, 1)
    xp.copyto(binary, -1, where=weight < 0)
    if use_alpha:
        rows = binary.reshape(len(binary), -1)
        rows *= xp.abs(weight).reshape(rows.shape).mean(axis=1, keepdims=True)
