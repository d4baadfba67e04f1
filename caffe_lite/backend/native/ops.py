"""The CPU backend with its hot operations in C."""

from collections.abc import Mapping, Sequence

from numpy.typing import DTypeLike

from caffe_lite.backend.arena import Arena
from caffe_lite.backend.native import Library
from caffe_lite.backend.native.activations import NativeActivations
from caffe_lite.backend.native.arrays import NativeArrays
from caffe_lite.backend.native.convolution import NativeConvolution
from caffe_lite.backend.native.losses import NativeLosses
from caffe_lite.backend.native.normalization import NativeNormalization
from caffe_lite.backend.native.pooling import NativePooling
from caffe_lite.backend.native.program import NativeProgram
from caffe_lite.backend.native.recurrent import NativeRecurrent
from caffe_lite.backend.native.roi_pooling import NativeRoiPooling
from caffe_lite.backend.native.updates import NativeUpdates
from caffe_lite.backend.operations import Holder, Step, Value
from caffe_lite.backend.reference.program import Program


class NativeOps(
    NativeArrays,
    NativeActivations,
    NativeConvolution,
    NativePooling,
    NativeRoiPooling,
    NativeNormalization,
    NativeRecurrent,
    NativeLosses,
    NativeUpdates,
):
    """`NumpyOps` with its hot operations in C.

    An operation passes contiguous arrays of `dtype` to C and falls back to `NumpyOps` for others.
    The C code has its own thread pool; results do not depend on the number of threads.
    """

    def __init__(self, library: Library, dtype: DTypeLike = "float32") -> None:
        super().__init__(dtype)
        self.library = library
        self.arena = Arena()

    def program(
        self, values: Sequence[Value], steps: Sequence[Step], held: Mapping[int, Holder]
    ) -> Program:
        return NativeProgram(self, values, steps, held)
