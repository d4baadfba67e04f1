"""Blob: the array that layers exchange, with its gradient."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import prod
from typing import Any

from caffe_lite.errors import CaffeError

Array = Any

MAX_COUNT = 2**31 - 1


class _Buffer:
    """Memory for one array, shared by every blob that looks at it; it only grows."""

    __slots__ = ("ops", "flat", "number", "initial")
    _numbers = itertools.count(1)

    def __init__(self, ops: Any) -> None:
        self.ops = ops
        self.flat: Array | None = None
        self.number = 0
        self.initial: Callable[[Array], None] | None = None

    def view(self, shape: tuple[int, ...], count: int) -> Array:
        if self.flat is None or self.flat.size < count:
            self.flat = self.ops.zeros((count,))
            self.number = next(_Buffer._numbers)
        array = self.flat[:count].reshape(shape)
        if self.initial is not None:
            initial, self.initial = self.initial, None
            initial(array)
        return array


class Blob:
    """An n-dimensional array `data` and its gradient `diff`, on the device of `ops`.

    Both are C-contiguous arrays of `ops.dtype` and of the blob's shape. Memory is taken, zeroed,
    when one of them is first touched, so a net can be built and described without any; a reshape to
    a smaller size keeps it, one to a larger size starts from zeros. Write with
    `blob.data[...] = x`.
    """

    __slots__ = ("ops", "shape", "count", "_buffers", "_views")

    def __init__(self, ops: Any, *shape: int) -> None:
        self.ops = ops
        self._buffers = [_Buffer(ops), _Buffer(ops)]
        self._views: list[tuple[Array, Array] | None] = [None, None]
        self.shape: tuple[int, ...] = ()
        self.count = 0
        self.reshape(*shape)

    def reshape(self, *shape: int) -> None:
        """Take a new shape: `reshape(2, 3)` or `reshape((2, 3))`.

        Raises CaffeError for a negative dimension or more than 2^31 - 1 elements.
        """
        if len(shape) == 1 and not isinstance(shape[0], int) and hasattr(shape[0], "__iter__"):
            shape = tuple(shape[0])
        dims = tuple(int(d) for d in shape)
        if dims == self.shape and self.count:
            return
        count = prod(dims)
        if any(d < 0 for d in dims) or count > MAX_COUNT:
            raise CaffeError(
                f"a blob's shape must be non-negative and hold at most {MAX_COUNT} "
                f"elements, got {' x '.join(map(str, dims))}"
            )
        self.shape, self.count = dims, count
        self._views = [None, None]

    def _view(self, which: int) -> Array:
        buffer = self._buffers[which]
        cached = self._views[which]
        if cached is not None and cached[0] is buffer.flat:
            return cached[1]
        view = buffer.view(self.shape, self.count)
        self._views[which] = (buffer.flat, view)
        return view

    @property
    def data(self) -> Array:
        return self._view(0)

    @property
    def diff(self) -> Array:
        return self._view(1)

    def fill_on_first_use(self, initial: Callable[[Array], None]) -> None:
        """Have `initial(data)` write the starting values when data is first touched."""
        self._buffers[0].initial = initial

    def load(self, values: Array) -> None:
        """Set data to `values`, sparing the starting values that nobody has looked at."""
        self._buffers[0].initial = None
        self.data[...] = self.ops.asarray(values, dtype=self.ops.dtype)

    def overwrite(self, write: Callable[[Array], None]) -> None:
        """Have `write(data)` set all of data, sparing the starting values as `load` does."""
        self._buffers[0].initial = None
        write(self.data)

    @property
    def has_data(self) -> bool:
        return self._buffers[0].flat is not None

    @property
    def has_diff(self) -> bool:
        return self._buffers[1].flat is not None

    @property
    def memory(self) -> tuple[int, int]:
        """Numbers of the memory that data and diff lie in, never used twice; 0 where none is yet.

        They change where a blob grows, is released or comes to share another's.
        """
        return self._buffers[0].number, self._buffers[1].number

    @property
    def buffer_ids(self) -> tuple[int, int]:
        """Identities of the memory behind data and diff: equal for blobs that share it."""
        return id(self._buffers[0]), id(self._buffers[1])

    def share_data(self, other: Blob) -> None:
        """Look at `other`'s data from now on; its count must not be smaller."""
        self._share(0, other)

    def share_diff(self, other: Blob) -> None:
        """Look at `other`'s diff from now on; its count must not be smaller."""
        self._share(1, other)

    def _share(self, which: int, other: Blob) -> None:
        if other.count < self.count:
            raise CaffeError(
                f"a blob of {self.count} elements cannot share the memory of one of {other.count}"
            )
        self._buffers[which] = other._buffers[which]
        self._views[which] = None

    def release(self) -> None:
        """Give the memory back; data and diff are zero when touched again."""
        for buffer in self._buffers:
            buffer.flat, buffer.number = None, 0
        self._views = [None, None]

    def _legacy(self, axis: int) -> int:
        if len(self.shape) > 4:
            raise CaffeError(
                f"num, channels, height and width need at most 4 axes, the blob has "
                f"{len(self.shape)}: use shape"
            )
        return self.shape[axis] if axis < len(self.shape) else 1

    @property
    def num(self) -> int:
        return self._legacy(0)

    @property
    def channels(self) -> int:
        return self._legacy(1)

    @property
    def height(self) -> int:
        return self._legacy(2)

    @property
    def width(self) -> int:
        return self._legacy(3)

    def __repr__(self) -> str:
        return f"Blob{self.shape}"


class BlobVec(list[Blob]):
    """A layer's learned blobs; `add_blob(3, 4)` appends one, as pycaffe's Python layers do."""

    def __init__(self, ops: Any) -> None:
        super().__init__()
        self.ops = ops

    def add_blob(self, *shape: int) -> Blob:
        blob = Blob(self.ops, *shape)
        self.append(blob)
        return blob
