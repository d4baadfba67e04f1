"""The handwritten digits included in the package: 1,797 real scans of 8x8 pixels.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, under CC BY 4.0 (DIGITS_LICENSE.md).
"""

from functools import cache
from pathlib import Path

import numpy as np

from caffe_lite.errors import DataError


@cache
def _packed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        arrays = file["images"], file["labels"], file["is_test"]
    for array in arrays:
        array.setflags(write=False)
    return arrays


def load_digits(split: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 8, 8) uint8, values 0 (paper) to 16 (ink), and labels (N,) uint8, 0 to 9.

    `split` "train" gives 1,437 of them, "test" the other 360 (36 of each digit), always the same
    ones; None gives all 1,797. The arrays for None are read-only.
    """
    images, labels, is_test = _packed()
    if split is None:
        return images, labels
    if split not in ("train", "test"):
        raise DataError(f'the digits are split into "train" and "test"; there is no "{split}"')
    chosen = is_test if split == "test" else ~is_test
    return images[chosen], labels[chosen]
