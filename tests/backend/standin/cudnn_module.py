"""A stand-in for the module of cuDNN's front end, with reference convolutions."""

import ctypes
import sys
import types
from contextlib import contextmanager

import numpy

from caffe_lite.backend import ConvGeometry, Ops
from caffe_lite.backend.gpu import cudnn_discovery
from tests.backend.standin.memory import MEMORY, TAPE


class Tensor:
    def __init__(self, dim=None, stride=None):
        self.dim, self.stride, self.output = dim, stride, False

    def set_output(self, output):
        self.output = output
        return self

    def set_data_type(self, data_type):
        return self

    def set_dim(self, dim):
        self.dim = dim
        return self

    def set_stride(self, stride):
        self.stride = stride
        return self

    def at(self, pointer):
        """The array of this shape at a device address."""
        count = int(numpy.prod(self.dim))
        _, end = MEMORY.block_of(pointer)
        if pointer + 4 * count > end:
            raise RuntimeError("a convolution reaches outside its array")
        flat = numpy.frombuffer((ctypes.c_float * count).from_address(pointer), "float32")
        assert self.stride == [s // 4 for s in flat.reshape(self.dim).strides]
        return flat.reshape(self.dim)


class Graph:
    """Accepts calls only in the order that the front end requires."""

    def __init__(self, module, io_data_type, compute_data_type, handle):
        self.module, self.calls, self.notes = module, [], []

    def tensor(self, name, dim, stride, data_type):
        return Tensor(dim, stride)

    def _add(self, kind, first, second, how):
        if set(how) != {"padding", "stride", "dilation"}:
            raise TypeError(how)
        self.kind, self.sources, self.how, self.result = kind, (first, second), how, Tensor()
        return self.result

    def conv_fprop(self, image, weight, **how):
        return self._add("fprop", image, weight, how)

    def conv_dgrad(self, loss, filter, **how):  # noqa: A002
        return self._add("dgrad", loss, filter, how)

    def conv_wgrad(self, image, loss, **how):
        return self._add("wgrad", image, loss, how)

    def validate(self):
        assert self.result.output and self.result.dim and self.result.stride
        self.calls.append("validate")

    def build_operation_graph(self):
        self.calls.append("operations")

    def create_execution_plans(self, modes):
        self.calls.append("plans")

    def deselect_numeric_notes(self, notes):
        self.notes = notes

    def check_support(self):
        if self.kind in self.module.unsupported:
            raise self.module.cudnnGraphNotSupportedError("no engine")

        self.calls.append("support")

    def deselect_workspace_greater_than(self, limit):
        self.limit = limit

    def get_execution_plan_count(self):
        return self.module.count

    def build_plan_at_index(self, index):
        assert self.calls == ["validate", "operations", "plans", "support"]
        if index in self.module.barred:
            raise self.module.cudnnGraphNotSupportedError("deselected")
        self.module.built.append((self, index))

    def get_workspace_size_plan_at_index(self, index):
        return 1001 if (self, index) in self.module.built else 0

    def execute_plan_at_index(self, bound, workspace, index, handle):
        if index in self.module.broken:
            raise RuntimeError("execution failed")
        assert (self, index) in self.module.built
        MEMORY.block_of(workspace + 1000)
        first, second = (tensor.at(bound[tensor]) for tensor in self.sources)
        out = self.result.at(bound[self.result])
        ops = Ops(dtype="float32")

        def run():
            x, weight = (first, second) if self.kind == "fprop" else (out, second)
            if self.kind == "wgrad":
                x, weight = first, out
            g = ConvGeometry(
                weight.shape[2:],
                tuple(self.how["stride"]),
                tuple(self.how["padding"]),
                tuple(self.how["dilation"]),
                x.shape[1] // weight.shape[1],
            )
            if self.kind == "fprop":
                ops.convolution(first, second, None, out, g)
            elif self.kind == "dgrad":
                ops.convolution_grad_data(first, second, out, g)
            else:
                out[...] = 0
                ops.convolution_grad_weight(first, second, out, g)

        self.module.executed.append((self.kind, index))
        TAPE.do(run)


def make_module():
    module = types.ModuleType("cudnn")
    module.built, module.executed, module.unsupported = [], [], set()
    module.count, module.barred, module.broken = 3, set(), set()
    names = types.SimpleNamespace
    module.data_type = names(FLOAT="float")
    module.heur_mode = names(A="a", FALLBACK="fallback")
    module.numerical_note = names(
        DOWN_CONVERT_INPUTS="down", REDUCED_PRECISION_REDUCTION="reduced", TENSOR_CORE="core"
    )
    module.cudnnGraphNotSupportedError = type("cudnnGraphNotSupportedError", (RuntimeError,), {})
    module.backend_version_string = lambda: "9.27.0"
    module.create_handle = object
    module.set_stream = lambda handle, stream: None
    module.pygraph = lambda **options: Graph(module, **options)
    return module


@contextmanager
def installed():
    """Make `import cudnn` find the stand-in."""
    before = sys.modules.get("cudnn")
    sys.modules["cudnn"] = make_module()
    cudnn_discovery.import_front_end.cache_clear()
    try:
        yield sys.modules["cudnn"]
    finally:
        cudnn_discovery.import_front_end.cache_clear()
        if before is None:
            del sys.modules["cudnn"]
        else:
            sys.modules["cudnn"] = before
