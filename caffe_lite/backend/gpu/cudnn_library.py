"""cuDNN called as a C library, if it is installed without its Python front end, as by PyTorch.

It uses the functions for a single convolution, which cuDNN 9 keeps besides its graph interface.
"""

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from caffe_lite.backend.gpu.cudnn import shapes_of, strides_of
from caffe_lite.backend.gpu.explicit_gemm import Sizes
from caffe_lite.errors import BackendError

MAJOR = 9
_MOST_ALGORITHMS = 16  # more than cuDNN has for any product
_FLOAT, _NCHW, _CROSS_CORRELATION = 0, 0, 1
_ANY_MATH, _MATH_OF_FULL_PRECISION = 0, 3  # cudnnMathType_t, with and without TF32
_ROUNDS_MORE = 2  # cudnnMathType_t of algorithms that round to half precision

_INT, _SIZE, _POINTER = ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p

# Per product: the name of its functions, and their arrays in order, the result last.
_PRODUCTS = {
    "forward": ("Forward", ("x", "weight", "y")),
    "data": ("BackwardData", ("weight", "y", "x")),
    "weight": ("BackwardFilter", ("x", "y", "weight")),
}


class _Found(ctypes.Structure):
    """cudnnConvolutionFwdAlgoPerf_t, and its equivalents for the two gradients."""

    _fields_ = (
        ("algorithm", _INT),
        ("status", _INT),
        ("milliseconds", ctypes.c_float),
        ("workspace", _SIZE),
        ("determinism", _INT),
        ("math", _INT),
        ("reserved", _INT * 3),
    )


def _signatures() -> dict[str, list[Any]]:
    """The argument types of each function that is called."""
    found: dict[str, list[Any]] = {
        "cudnnCreate": [_POINTER],
        "cudnnSetStream": [_POINTER] * 2,
        "cudnnCreateTensorDescriptor": [_POINTER],
        "cudnnCreateFilterDescriptor": [_POINTER],
        "cudnnCreateConvolutionDescriptor": [_POINTER],
        "cudnnSetTensorNdDescriptor": [_POINTER, _INT, _INT, _POINTER, _POINTER],
        "cudnnSetFilterNdDescriptor": [_POINTER, _INT, _INT, _INT, _POINTER],
        "cudnnSetConvolutionNdDescriptor": [_POINTER, _INT, *[_POINTER] * 3, _INT, _INT],
        "cudnnSetConvolutionGroupCount": [_POINTER, _INT],
        "cudnnSetConvolutionMathType": [_POINTER, _INT],
    }
    for kind, _ in _PRODUCTS.values():
        name = f"Convolution{kind}"
        found[f"cudnnGet{name}Algorithm_v7"] = [*[_POINTER] * 5, _INT, _POINTER, _POINTER]
        found[f"cudnnGet{name}WorkspaceSize"] = [*[_POINTER] * 5, _INT, _POINTER]
        found[f"cudnn{name}"] = [*[_POINTER] * 7, _INT, _POINTER, _SIZE, *[_POINTER] * 3]
    return found


def open_library() -> Any:
    """cuDNN's shared library; raises OSError if there is none."""
    if os.name == "nt":
        return ctypes.CDLL(f"cudnn64_{MAJOR}.dll")
    name = f"libcudnn.so.{MAJOR}"
    try:
        package = find_spec("nvidia.cudnn")
    except ModuleNotFoundError:
        package = None
    for folder in (package and package.submodule_search_locations) or ():
        if (file := Path(folder, "lib", name)).exists():
            return ctypes.CDLL(str(file))
    return ctypes.CDLL(name)


class CLibrary:
    """`library` is cuDNN's shared library, `stream` the address of the stream to run on.

    `tf32` allows products to round their factors to TF32; plans that need more than `most_bytes` of
    workspace are left out.
    """

    def __init__(self, library: Any, stream: int, tf32: bool, most_bytes: int) -> None:
        self._library = library
        for name, types in _signatures().items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, _INT
        library.cudnnGetVersion.restype = _SIZE
        number = library.cudnnGetVersion()
        self.version = f"{number // 10000}.{number // 100 % 100}.{number % 100}"
        if number // 10000 != MAJOR:
            raise BackendError(f"cuDNN {self.version} is not of version {MAJOR}")
        self.math = _ANY_MATH if tf32 else _MATH_OF_FULL_PRECISION
        self.most_bytes = most_bytes
        self.handle = self.create("")
        self.call("cudnnSetStream", self.handle, stream)

    def create(self, kind: str) -> Any:
        """A new handle (""), "TensorDescriptor" or other object, never destroyed."""
        made = ctypes.c_void_p()
        self.call(f"cudnnCreate{kind}", ctypes.addressof(made))
        return made

    def call(self, name: str, *args: Any) -> None:
        """Call a function; raises BackendError for a status that is not success."""
        status = getattr(self._library, name)(*args)
        if status != 0:
            raise BackendError(f"{name} failed with status {status} (see cudnnStatus_t)")

    def product(self, which: str, z: Sizes, images: int) -> "AlgorithmProduct":
        return AlgorithmProduct(self, which, z, images)


class AlgorithmProduct:
    """cuDNN's algorithms for one convolution, fastest first as expected; see `cudnn.Product`."""

    def __init__(self, library: CLibrary, which: str, z: Sizes, images: int) -> None:
        self._library = library
        self._kind, self._order = _PRODUCTS[which]
        self._descriptors = _describe_arrays(library, z, images)
        self._convolution = _describe_convolution(library, z)
        # Attributes, because cuDNN reads the factors alpha and beta through their addresses.
        self._one, self._zero = ctypes.c_float(1), ctypes.c_float(0)
        self._algorithms = [found.algorithm for found in self._find()]
        self._need: dict[int, int] = {}
        self.count = len(self._algorithms)

    def _sizes(self) -> tuple[Any, ...]:
        first, second, made = (self._descriptors[name] for name in self._order)
        return self._library.handle, first, second, self._convolution, made

    def _find(self) -> list[_Found]:
        found, count = (_Found * _MOST_ALGORITHMS)(), _INT()
        self._library.call(
            f"cudnnGetConvolution{self._kind}Algorithm_v7",
            *(*self._sizes(), _MOST_ALGORITHMS),
            *(ctypes.addressof(count), ctypes.addressof(found)),
        )
        return [
            each
            for each in found[: count.value]
            if each.status == 0
            and each.workspace <= self._library.most_bytes
            and each.math != _ROUNDS_MORE
        ]

    def build(self, variant: int) -> int:
        need = _SIZE()
        self._library.call(
            f"cudnnGetConvolution{self._kind}WorkspaceSize",
            *(*self._sizes(), self._algorithms[variant], ctypes.addressof(need)),
        )
        self._need[variant] = need.value
        return need.value

    def execute(self, variant: int, pointers: dict[str, int], workspace: int) -> None:
        first, second, made = ((self._descriptors[n], pointers[n]) for n in self._order)
        self._library.call(
            f"cudnnConvolution{self._kind}",
            *(self._library.handle, ctypes.addressof(self._one), *first, *second),
            *(self._convolution, self._algorithms[variant], workspace, self._need[variant]),
            *(ctypes.addressof(self._zero), *made),
        )


def _ints(values: Any) -> Any:
    return (_INT * len(values))(*values)


def _describe_arrays(library: CLibrary, z: Sizes, images: int) -> dict[str, Any]:
    """A descriptor for each of the three arrays. One spatial axis becomes an image of one row."""
    made = {}
    for name, shape in shapes_of(z, images).items():
        dims = _ints(shape if len(shape) > 3 else [*shape[:2], 1, *shape[2:]])
        if name == "weight":
            made[name] = library.create("FilterDescriptor")
            library.call("cudnnSetFilterNdDescriptor", made[name], _FLOAT, _NCHW, len(dims), dims)
        else:
            made[name] = library.create("TensorDescriptor")
            strides = _ints(strides_of(list(dims)))
            library.call("cudnnSetTensorNdDescriptor", made[name], _FLOAT, len(dims), dims, strides)
    return made


def _describe_convolution(library: CLibrary, z: Sizes) -> Any:
    g = z.geometry
    one_axis = len(g.kernel) == 1
    pad, stride, dilation = (
        _ints([row, *values] if one_axis else values)
        for row, values in ((0, g.pad), (1, g.stride), (1, g.dilation))
    )
    made = library.create("ConvolutionDescriptor")
    library.call(
        "cudnnSetConvolutionNdDescriptor",
        *(made, len(pad), pad, stride, dilation, _CROSS_CORRELATION, _FLOAT),
    )
    library.call("cudnnSetConvolutionGroupCount", made, g.group)
    library.call("cudnnSetConvolutionMathType", made, library.math)
    return made
