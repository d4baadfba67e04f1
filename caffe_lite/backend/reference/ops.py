"""The array operations that layers and solvers call: the reference, in plain array code."""

from typing import Any

import numpy

from caffe_lite.backend.reference.activations import ActivationOps
from caffe_lite.backend.reference.arrays import ArrayOps
from caffe_lite.backend.reference.convolution import ConvolutionOps
from caffe_lite.backend.reference.losses import LossOps
from caffe_lite.backend.reference.normalization import NormalizationOps
from caffe_lite.backend.reference.pooling import PoolingOps
from caffe_lite.backend.reference.random import RandomOps
from caffe_lite.backend.reference.recurrent import RecurrentOps
from caffe_lite.backend.reference.roi_pooling import RoiPoolingOps
from caffe_lite.backend.reference.selection import SelectionOps
from caffe_lite.backend.reference.updates import UpdateOps


class Ops(
    ArrayOps,
    RandomOps,
    ConvolutionOps,
    ActivationOps,
    SelectionOps,
    PoolingOps,
    RoiPoolingOps,
    NormalizationOps,
    RecurrentOps,
    LossOps,
    UpdateOps,
):
    """Every operation, written to be read; the faster backends are tested against it.

    `xp` is the array module (numpy or cupy), `dtype` float32 or float64. Arrays are C-contiguous
    and of that dtype unless an operation says otherwise; results go into arrays that the caller
    owns and are overwritten, except where a name says that it adds.
    """

    def __init__(self, xp: Any = numpy, dtype: Any = "float32", name: str = "cpu") -> None:
        self.xp = xp
        self.dtype = numpy.dtype(dtype)
        self.name = name
