"""Caffe's Python interface: `import caffe_lite.pycaffe as caffe`."""

from caffe_lite import __version__
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_types as layer_type_list
from caffe_lite.proto.schema import TEST, TRAIN
from caffe_lite.pycaffe.mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from caffe_lite.pycaffe.net import Net
from caffe_lite.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Layer",
    "Net",
    "NesterovSolver",
    "RMSPropSolver",
    "SGDSolver",
    "__version__",
    "get_solver",
    "layer_type_list",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]
