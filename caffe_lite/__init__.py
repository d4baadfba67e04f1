"""caffe_lite: Caffe's layers, solvers and files in NumPy and CuPy.

The public names load on first use, so that `import caffe_lite` and the command line start at once.
"""

from types import ModuleType

from caffe_lite import plugins

TYPE_CHECKING = False  # as typing's, without its import: see __main__ on the time before `main`

if TYPE_CHECKING:
    from caffe_lite.backend import get_ops as get_ops
    from caffe_lite.blob import Blob as Blob
    from caffe_lite.errors import CaffeError as CaffeError
    from caffe_lite.layers.base import Layer as Layer
    from caffe_lite.layers.registry import register as register
    from caffe_lite.nets.net import Net as Net
    from caffe_lite.pycaffe.install import install_as_caffe as install_as_caffe
    from caffe_lite.solvers import get_solver as get_solver

__version__ = "0.2.0"

_PUBLIC = {
    "Net": "caffe_lite.nets.net",
    "Blob": "caffe_lite.blob",
    "Layer": "caffe_lite.layers.base",
    "register": "caffe_lite.layers.registry",
    "get_ops": "caffe_lite.backend",
    "get_solver": "caffe_lite.solvers",
    "CaffeError": "caffe_lite.errors",
    "install_as_caffe": "caffe_lite.pycaffe.install",
}

# Modules of the upper rows that layers import by name when a net or a user's layer asks for them.
plugins.ship_module("sequence_input_layer", "caffe_lite.lrcn.sequence_input_layer")
for _name in ("proposal_layer", "anchor_target_layer", "proposal_target_layer"):
    plugins.ship_module(f"rpn.{_name}", f"caffe_lite.forks.rcnn.python_layers.{_name}")
for _name in ("roi_data_layer.layer", "roi_data_layer.layer_pi"):
    plugins.ship_module(_name, "caffe_lite.forks.rcnn.python_layers.roi_data_layer")
plugins.ship_module(
    "caffe_traininglayers",
    "caffe_lite.forks.colorization.python_layers.caffe_traininglayers",
)
plugins.offer("fork_sets", lambda: _import_module("caffe_lite.forks").FAMILIES)
plugins.offer(
    "install_as_caffe", lambda: _import_module("caffe_lite.pycaffe.install").install_as_caffe()
)

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def _import_module(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
