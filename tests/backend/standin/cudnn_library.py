"""cuDNN's C functions for convolutions on host memory, by the reference implementation."""

import ctypes

import numpy

from caffe_lite.backend import ConvGeometry, Ops
from caffe_lite.backend.gpu.cudnn_library import _Found
from tests.backend.standin.memory import MEMORY, TAPE

SUCCESS, BAD_PARAM, NOT_SUPPORTED, EXECUTION_FAILED = 0, 2000, 3000, 5000
FLOAT, NCHW, CROSS_CORRELATION = 0, 0, 1
WORKSPACE = 1001


class CudnnLibrary:
    """Has the attributes that `ctypes.CDLL("libcudnn.so.9")` would have.

    `found` are (algorithm, status, workspace, math) of every search, `broken` algorithms that do
    not run, `unsupported` products that have none.
    """

    def __init__(self, version=91002):
        self.objects, self.executed, self.maths = [], [], []
        self.found = [(1, SUCCESS, WORKSPACE, 0), (0, SUCCESS, 0, 3)]
        self.broken, self.unsupported = set(), set()
        self.cudnnGetVersion = _Function(lambda: version)
        for kind in ("", "TensorDescriptor", "FilterDescriptor", "ConvolutionDescriptor"):
            setattr(self, f"cudnnCreate{kind}", _Function(self._create))
        self.cudnnSetStream = _Function(lambda handle, stream: SUCCESS)
        self.cudnnSetTensorNdDescriptor = _Function(self._tensor)
        self.cudnnSetFilterNdDescriptor = _Function(self._filter)
        self.cudnnSetConvolutionNdDescriptor = _Function(self._convolution)
        self.cudnnSetConvolutionGroupCount = _Function(self._group)
        self.cudnnSetConvolutionMathType = _Function(self._math)
        for kind in ("Forward", "BackwardData", "BackwardFilter"):
            for name, function in (
                (f"cudnnGetConvolution{kind}Algorithm_v7", self._search),
                (f"cudnnGetConvolution{kind}WorkspaceSize", self._need),
                (f"cudnnConvolution{kind}", self._run),
            ):
                setattr(self, name, _Function(function, kind))

    def _create(self, address):
        self.objects.append({})
        ctypes.c_void_p.from_address(address).value = len(self.objects)
        return SUCCESS

    def _of(self, handle):
        return self.objects[handle.value - 1]

    def _tensor(self, handle, kind, count, dims, strides):
        if kind != FLOAT or count < 4:
            return BAD_PARAM
        self._of(handle).update(dims=tuple(dims[:count]), strides=list(strides[:count]))
        return SUCCESS

    def _filter(self, handle, kind, layout, count, dims):
        if kind != FLOAT or layout != NCHW or count < 4:
            return BAD_PARAM
        self._of(handle).update(dims=tuple(dims[:count]), strides=None)
        return SUCCESS

    def _convolution(self, handle, count, pad, stride, dilation, mode, kind):
        if count < 2 or mode != CROSS_CORRELATION or kind != FLOAT:
            return BAD_PARAM
        how = {"pad": pad, "stride": stride, "dilation": dilation}
        self._of(handle).update({name: tuple(values[:count]) for name, values in how.items()})
        return SUCCESS

    def _group(self, handle, count):
        self._of(handle)["group"] = count
        return SUCCESS

    def _math(self, handle, math):
        self.maths.append(math)
        return SUCCESS

    def _search(self, kind, handle, first, second, how, made, most, count, results):
        if kind in self.unsupported:
            return NOT_SUPPORTED
        places = (_Found * most).from_address(results)
        for place, (algorithm, status, need, math) in zip(places, self.found, strict=False):
            place.algorithm, place.status, place.workspace = algorithm, status, need
            place.math = math
        ctypes.c_int.from_address(count).value = len(self.found)
        return SUCCESS

    def _need(self, kind, handle, first, second, how, made, algorithm, need):
        known = {found[0]: found[2] for found in self.found}
        ctypes.c_size_t.from_address(need).value = known[algorithm]
        return SUCCESS

    def _run(
        self, kind, handle, one, first, a, second, b, how, algorithm, workspace, size, zero, made, c
    ):
        factors = [ctypes.c_float.from_address(factor).value for factor in (one, zero)]
        if algorithm in self.broken or factors != [1, 0]:
            return EXECUTION_FAILED
        if size:
            MEMORY.block_of(workspace + size - 1)
        a, b, c = (self._array(*pair) for pair in ((first, a), (second, b), (made, c)))
        weight = {"Forward": b, "BackwardData": a, "BackwardFilter": c}[kind]
        how = self._of(how)
        g = ConvGeometry(weight.shape[2:], how["stride"], how["pad"], how["dilation"], how["group"])
        ops = Ops(dtype="float32")

        def run():
            if kind == "Forward":
                ops.convolution(a, b, None, c, g)
            elif kind == "BackwardData":
                ops.convolution_grad_data(b, a, c, g)
            else:
                c[...] = 0
                ops.convolution_grad_weight(a, b, c, g)

        self.executed.append((kind, algorithm))
        TAPE.do(run)
        return SUCCESS

    def _array(self, descriptor, address):
        dims, strides = (self._of(descriptor)[name] for name in ("dims", "strides"))
        count = int(numpy.prod(dims))
        _, end = MEMORY.block_of(address)
        if address + 4 * count > end:
            raise RuntimeError("a convolution reaches outside its array")
        flat = numpy.frombuffer((ctypes.c_float * count).from_address(address), "float32")
        array = flat.reshape(dims)
        assert strides is None or strides == [s // 4 for s in array.strides]
        return array


class _Function:
    """A function with the attributes of ctypes' functions."""

    def __init__(self, function, *first):
        self._function, self._first = function, first

    def __call__(self, *args):
        assert len(args) == len(getattr(self, "argtypes", ()))
        return self._function(*self._first, *args)
