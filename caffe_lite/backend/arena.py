"""Scratch memory shared by operations: one block per thread, as large as the largest request."""

import threading
from collections.abc import Sequence
from math import prod

import numpy
from numpy.typing import DTypeLike

from caffe_lite.types import Array

ALIGNMENT = 64  # a cache line, and the widest vector


class Arena(threading.local):
    """Memory for intermediate results; a request invalidates the previous one of its thread."""

    def __init__(self) -> None:
        self._block = numpy.empty(0, numpy.uint8)
        self._size = 0
        self._address = 0

    def address(self, size: int) -> int:
        """The address of `size` aligned bytes."""
        if size > self._size:
            self._block = numpy.empty(size + ALIGNMENT, numpy.uint8)
            self._size = size
            self._address = -(-self._block.ctypes.data // ALIGNMENT) * ALIGNMENT
        return self._address

    def arrays(self, dtype: DTypeLike, *shapes: Sequence[int]) -> list[Array]:
        """Uninitialized arrays of these shapes that do not overlap."""
        sizes = [prod(shape) * numpy.dtype(dtype).itemsize for shape in shapes]
        places = [0]
        for size in sizes:
            places.append(places[-1] + -(-size // ALIGNMENT) * ALIGNMENT)
        start = self.address(places[-1]) - self._block.ctypes.data
        return [
            self._block[start + place : start + place + size].view(dtype).reshape(shape)
            for place, size, shape in zip(places, sizes, shapes, strict=False)
        ]
