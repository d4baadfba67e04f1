"""The CPU backend with its hot operations in C."""

from numpy.typing import DTypeLike

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.native import Library
from caffe_lite.backend.native.activations import NativeActivations
from caffe_lite.backend.native.arrays import NativeArrays
from caffe_lite.backend.native.convolution import NativeConvolution
from caffe_lite.backend.native.losses import NativeLosses
from caffe_lite.backend.native.normalization import NativeNormalization
from caffe_lite.backend.native.pooling import NativePooling
from caffe_lite.backend.native.recurrent import NativeRecurrent
from caffe_lite.backend.native.updates import NativeUpdates


class NativeOps(
    NativeArrays,
    NativeActivations,
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

    def __init__(self, library: Library, dtype: DTypeLike = "float32") -> None:
        super().__init__(dtype)
        self.library = library
        self.arena = Arena()
