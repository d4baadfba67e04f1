"""How an operation passes its arrays to C."""

from ctypes import addressof, c_char
from typing import Any

import numpy

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.native import Library
from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array

SHORT_CALL = 30_000  # elements below which a call holds the interpreter lock
_address_of, _first_byte = addressof, c_char.from_buffer


class NativeBase(OpsBase):
    """The library, and addresses of arrays that C can read."""

    library: Library
    arena: Arena

    def _functions(self, size: int) -> Any:
        """The C functions, for work over about `size` elements."""
        return self.library.with_gil if size < SHORT_CALL else self.library.without_gil

    def _addresses(self, *arrays: Array | None) -> list[int] | None:
        """The arrays' addresses (0 for None), or None if one is empty, strided or of another type.

        The operation then falls back to NumPy.
        """
        found = []
        for a in arrays:
            if a is None:
                found.append(0)
                continue
            if a.dtype != self.dtype:
                return None
            address = _address(a)
            if not address:
                return None
            found.append(address)
        return found

    def _index_address(self, a: Array) -> int:
        """The address of an int32 array, or 0 if it is empty, strided or of another type."""
        return _address(a) if a.dtype == numpy.int32 else 0

    def _scratch(self, elements: int) -> int:
        return self.arena.address(elements * self.dtype.itemsize)


def _address(a: Any) -> int:
    """The address of a contiguous array, else 0; much faster than `a.ctypes.data`."""
    try:
        return _address_of(_first_byte(a))
    except (TypeError, ValueError, BufferError):  # read-only, empty or strided
        return a.ctypes.data if a.size and a.flags.c_contiguous else 0
