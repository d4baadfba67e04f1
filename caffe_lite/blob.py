"""Blob: the array that layers exchange, with its gradient."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable
from math import prod
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import CaffeError
from caffe_lite.html import statistics, table
from caffe_lite.types import Array, ArrayLike, Shape

if TYPE_CHECKING:
    from caffe_lite.backend import Ops

MAX_COUNT = 2**31 - 1  # elements of a blob, as in Caffe, whose counts are C ints


class _Buffer:
    """Memory for one array, used by every blob that shares it; it only grows."""

    __slots__ = ("ops", "flat", "number", "initial")
    _numbers = itertools.count(1)

    def __init__(self, ops: Ops) -> None:
        self.ops = ops
        self.flat: Array | None = None
        self.number = 0  # of the allocation; 0 before the first
        self.initial: Callable[[Array], None] | None = None  # writes the starting values

    def view(self, shape: Shape, count: int) -> Array:
        """The first `count` elements in `shape`, allocated and filled on first use."""
        if self.flat is None or self.flat.size < count:
            self.flat = self.ops.zeros((count,))
            self.number = next(_Buffer._numbers)
        array = self.flat[:count].reshape(shape)
        if self.initial is not None:
            initial, self.initial = self.initial, None
            initial(array)
        return array


def _references(buffer: _Buffer) -> int:
    """The number of references to the memory, as this function counts them."""
    return sys.getrefcount(buffer.flat)


def _unshared_references() -> int:
    """`_references` of a buffer whose memory nobody else holds."""
    buffer = _Buffer.__new__(_Buffer)
    buffer.flat = bytearray(1)  # type: ignore[assignment]  # any object of its own
    return _references(buffer)


_UNSHARED = _unshared_references()


class Blob:
    """An n-dimensional array `data` and its gradient `diff`, on the device of `ops`.

    Both are C-contiguous arrays of `ops.dtype` and of the blob's shape. Each is allocated, with
    zeros, when it is first read or written, so a net can be built and described without memory. A
    reshape to a smaller size keeps the values, one to a larger size starts from zeros. Write with
    `blob.data[...] = x`.
    """

    __slots__ = ("ops", "shape", "count", "_buffers", "_views")

    def __init__(self, ops: Ops, *shape: int) -> None:
        self.ops = ops
        self._buffers = [_Buffer(ops), _Buffer(ops)]
        self._views: list[tuple[Array | None, Array] | None] = [None, None]
        self.shape: Shape = ()
        self.count = 0
        self.reshape(*shape)

    def reshape(self, *shape: int | Iterable[int]) -> None:
        """Set the shape: `reshape(2, 3)` or `reshape((2, 3))`.

        Raises CaffeError for a negative dimension or more than 2^31 - 1 elements.
        """
        sizes: Iterable[Any] = shape
        if len(shape) == 1 and isinstance(shape[0], Iterable):
            sizes = shape[0]
        dims = tuple(int(size) for size in sizes)
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
        """The values, in the blob's shape."""
        return self._view(0)

    @property
    def diff(self) -> Array:
        """The gradient of the loss with respect to `data`, in the blob's shape."""
        return self._view(1)

    def fill_on_first_use(self, initial: Callable[[Array], None]) -> None:
        """Call `initial(data)` to write the starting values when data is first used."""
        self._buffers[0].initial = initial

    def load(self, values: ArrayLike) -> None:
        """Set data to `values`, without running a filler that has not run yet."""
        self._buffers[0].initial = None
        self.data[...] = self.ops.asarray(values, dtype=self.ops.dtype)

    def overwrite(self, write: Callable[[Array], None]) -> None:
        """Let `write(data)` set every element, without running a filler that has not run yet."""
        self._buffers[0].initial = None
        write(self.data)

    @property
    def initial(self) -> Callable[[Array], None] | None:
        """What will write the starting values when data is first touched, if that is still due."""
        return self._buffers[0].initial

    def reset_data(self, initial: Callable[[Array], None] | None) -> None:
        """Give the memory of data back, and have `initial` fill it when it is touched again."""
        buffer = self._buffers[0]
        buffer.flat, buffer.number, buffer.initial = None, 0, initial
        self._views[0] = None

    @property
    def has_data(self) -> bool:
        """Whether data is allocated."""
        return self._buffers[0].flat is not None

    @property
    def has_diff(self) -> bool:
        """Whether diff is allocated."""
        return self._buffers[1].flat is not None

    def take_back_data(self) -> None:
        """Forget the array of data that was given out, so that `data_is_out` notices the next."""
        self._views[0] = None

    def data_is_out(self) -> bool:
        """Whether data may have been written since `take_back_data`: an array of it was given out.

        That is one asked for since, or an older one that somebody still holds. For the CPU.
        """
        return self._views[0] is not None or _references(self._buffers[0]) > _UNSHARED

    @property
    def memory(self) -> tuple[int, int]:
        """Unique allocation ids of data and diff; 0 if not allocated.

        An id changes when the blob grows, is released or starts to share another blob's memory.
        """
        return self._buffers[0].number, self._buffers[1].number

    @property
    def buffer_ids(self) -> tuple[int, int]:
        """Ids of the buffers behind data and diff: equal for blobs that share one.

        Unlike `memory` they exist before anything is allocated, and stay when a blob grows.
        """
        return id(self._buffers[0]), id(self._buffers[1])

    def share_data(self, other: Blob) -> None:
        """Use `other`'s data from now on.

        Raises CaffeError if `other` has fewer elements.
        """
        self._share(0, other)

    def share_diff(self, other: Blob) -> None:
        """Use `other`'s diff from now on.

        Raises CaffeError if `other` has fewer elements.
        """
        self._share(1, other)

    def _share(self, which: int, other: Blob) -> None:
        if other.count < self.count:
            raise CaffeError(
                f"a blob of {self.count} elements cannot share the memory of one of {other.count}"
            )
        self._buffers[which] = other._buffers[which]
        self._views[which] = None

    def release(self) -> None:
        """Free the memory of data and diff; both are zero when used again."""
        for buffer in self._buffers:
            buffer.flat, buffer.number = None, 0
        self._views = [None, None]

    def _legacy_size(self, axis: int) -> int:
        """The size of one of the axes that blobs had before shapes of any length."""
        if len(self.shape) > 4:
            raise CaffeError(
                "num, channels, height and width exist for blobs of at most 4 axes, this one has "
                f"{len(self.shape)}; use shape"
            )
        return self.shape[axis] if axis < len(self.shape) else 1

    @property
    def num(self) -> int:
        return self._legacy_size(0)

    @property
    def channels(self) -> int:
        return self._legacy_size(1)

    @property
    def height(self) -> int:
        return self._legacy_size(2)

    @property
    def width(self) -> int:
        return self._legacy_size(3)

    def __repr__(self) -> str:
        return f"Blob{self.shape}"

    def _repr_html_(self) -> str:
        """Statistics of data and diff, for Jupyter; allocates nothing."""
        rows = []
        for name, allocated in (("data", self.has_data), ("diff", self.has_diff)):
            if allocated and self.count:
                values = self.ops.to_host(self._view(name == "diff"))
                with self.ops.quiet():
                    rows.append((name, *statistics(values)))
            else:
                rows.append((name, *["-"] * 4))
        return table(repr(self), ("", "min", "mean", "max", "std"), rows)


class BlobVec(list[Blob]):
    """A layer's learned blobs; `add_blob(3, 4)` appends one, as pycaffe's Python layers do."""

    def __init__(self, ops: Ops) -> None:
        super().__init__()
        self.ops = ops

    def add_blob(self, *shape: int) -> Blob:
        """Append a blob of this shape, whose data are zeros, and return it."""
        blob = Blob(self.ops, *shape)
        self.append(blob)
        return blob
