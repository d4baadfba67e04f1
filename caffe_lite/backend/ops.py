"""The array operations that layers and solvers call: the reference, in plain array code."""

from typing import Any

import numpy

from .reference.activations import ActivationOps
from .reference.arrays import ArrayOps
from .reference.convolution import ConvolutionOps
from .reference.losses import LossOps
from .reference.normalization import NormalizationOps
from .reference.pooling import PoolingOps
from .reference.random import RandomOps
from .reference.recurrent import RecurrentOps
from .reference.updates import UpdateOps


class Ops(
    ArrayOps,
    RandomOps,
    ActivationOps,
    ConvolutionOps,
    PoolingOps,
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
