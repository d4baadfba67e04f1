"""The CPU backend with its hot operations in C."""

from typing import Any

from .arena import Arena
from .native import Library
from .native.arrays import NativeArrays
from .native.convolution import NativeConvolution
from .native.losses import NativeLosses
from .native.normalization import NativeNormalization
from .native.pooling import NativePooling
from .native.recurrent import NativeRecurrent
from .native.updates import NativeUpdates


class NativeOps(
    NativeArrays,
    NativeConvolution,
    NativePooling,
    NativeNormalization,
    NativeRecurrent,
    NativeLosses,
    NativeUpdates,
):
    """`NumpyOps` with C functions in place of what they do faster.

    Each operation hands contiguous arrays of `dtype` to C and leaves all others to `NumpyOps`. C
    has threads of its own; how the work is cut among them does not change a result.
    """

    def __init__(self, library: Library, dtype: Any = "float32") -> None:
        super().__init__(dtype)
        self.library = library
        self.arena = Arena()
