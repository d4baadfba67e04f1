"""`Ops`: every array operation that layers and solvers call, in plain array code."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import DTypeLike

from caffe_lite.backend.operations import Holder, Step, Value
from caffe_lite.backend.reference.activations import ReferenceActivations
from caffe_lite.backend.reference.arrays import ReferenceArrays
from caffe_lite.backend.reference.convolution import ReferenceConvolution
from caffe_lite.backend.reference.losses import ReferenceLosses
from caffe_lite.backend.reference.normalization import ReferenceNormalization
from caffe_lite.backend.reference.pooling import ReferencePooling
from caffe_lite.backend.reference.program import Program
from caffe_lite.backend.reference.random import ReferenceRandom
from caffe_lite.backend.reference.recurrent import ReferenceRecurrent
from caffe_lite.backend.reference.roi_pooling import ReferenceRoiPooling
from caffe_lite.backend.reference.selection import ReferenceSelection
from caffe_lite.backend.reference.updates import ReferenceUpdates


class Ops(
    ReferenceArrays,
    ReferenceRandom,
    ReferenceConvolution,
    ReferenceActivations,
    ReferenceSelection,
    ReferencePooling,
    ReferenceRoiPooling,
    ReferenceNormalization,
    ReferenceRecurrent,
    ReferenceLosses,
    ReferenceUpdates,
):
    """The reference implementation of every operation, written for clarity.

    The faster backends are tested against it and override what they do better.

    `xp` is the array module (numpy or cupy), `dtype` float32 or float64. Arrays are C-contiguous
    and of that dtype unless an operation says otherwise. Results are written into arrays of the
    caller; "y = ..." overwrites y, "y += ..." adds to it.
    """

    def __init__(self, xp: Any = numpy, dtype: DTypeLike = "float32", name: str = "cpu") -> None:
        self.xp = xp
        self.dtype = numpy.dtype(dtype)
        self.name = name

    def program(
        self, values: Sequence[Value], steps: Sequence[Step], held: Mapping[int, Holder]
    ) -> Program:
        """A program of these steps; `held` has the memory of values outside it, by position."""
        return Program(self, values, steps, held)
