"""Caffe's Python interface: `import caffe_lite.pycaffe as caffe`.

After `caffe_lite.install_as_caffe()`, `import caffe` imports it as well;
`python -m caffe_lite.pycaffe script.py` runs an unmodified script that way.
"""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_types as layer_type_list
from caffe_lite.proto.schema import TEST, TRAIN
from caffe_lite.pycaffe import coord_map, draw, io, proto
from caffe_lite.pycaffe.classifier import Classifier
from caffe_lite.pycaffe.detector import Detector
from caffe_lite.pycaffe.glog import init_log, log
from caffe_lite.pycaffe.mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from caffe_lite.pycaffe.net import Net
from caffe_lite.pycaffe.net_spec import NetSpec, layers, params, to_proto
from caffe_lite.pycaffe.parallel import (
    NCCL,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from caffe_lite.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)
from caffe_lite.pycaffe.timer import Timer

__version__ = "1.0.0"  # the version of Caffe whose interface this is

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Classifier",
    "Detector",
    "Layer",
    "Net",
    "NetSpec",
    "NesterovSolver",
    "RMSPropSolver",
    "SGDSolver",
    "Timer",
    "__version__",
    "coord_map",
    "draw",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
