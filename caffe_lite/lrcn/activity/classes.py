"""Class names, and the fusion of the probabilities of RGB and flow."""

import os
import re

import numpy as np

from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.errors import CaffeError, DataError

_NUMBERED = re.compile(r"(\d+)\s+(\S.*)")


def read_class_names(path: str | os.PathLike[str]) -> list[str]:
    """Read class names in the order of their labels.

    The file has one name per line, or "number name" in any order, as UCF101's classInd.txt, with
    numbers from 0 or 1 on without gaps. Raises DataError.
    """
    lines = list(read_lines(path, "class names"))
    matches = [_NUMBERED.fullmatch(line) for _, line in lines]
    if not all(matches):
        return [line for _, line in lines]
    numbers = [whole_number(match[1]) for match in matches if match]
    names = {-1 if n is None else n: m[2] for n, m in zip(numbers, matches, strict=True) if m}
    first = min(names)
    if not 0 <= first <= 1 or sorted(names) != list(range(first, first + len(lines))):
        raise DataError(
            f"{os.fspath(path)}: the numbers of {len(lines)} classes must be 1 to "
            f"{len(lines)} or 0 to {len(lines) - 1}, each once"
        )
    return [names[number] for number in sorted(names)]


def fuse(rgb: np.ndarray, flow: np.ndarray, rgb_weight: float) -> np.ndarray:
    """rgb_weight * rgb + (1 - rgb_weight) * flow, both (..., K) probabilities.

    LRCN reports the weights 1/2 and 1/3. Raises CaffeError for a weight outside 0 ... 1 and for
    different numbers of classes.
    """
    if not 0 <= rgb_weight <= 1:
        raise CaffeError(f"the weight of RGB must be from 0 to 1, got {rgb_weight}")
    if rgb.shape[-1:] != flow.shape[-1:]:
        raise CaffeError(
            f"the RGB net gives {rgb.shape[-1]} classes and the flow net "
            f"{flow.shape[-1]}; fuse nets trained for the same classes"
        )
    return rgb_weight * rgb + (1 - rgb_weight) * flow
