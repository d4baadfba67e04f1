"""A stand-in for the `cupy` module, with what this package uses of it, on the host."""

import ctypes
import sys
import types
from contextlib import contextmanager

import numpy

from caffe_lite.backend.gpu import cuda, cudnn_discovery, ops, sources
from tests.backend.standin.blas_library import BlasLibrary
from tests.backend.standin.device_array import NAMES, DeviceArray, apply, module_function
from tests.backend.standin.host_kernels import HostKernels
from tests.backend.standin.memory import MEMORY, TAPE


class CUDARuntimeError(RuntimeError):
    """What CuPy raises for a CUDA error."""


class OutOfMemoryError(MemoryError):
    """What CuPy raises when its pool cannot grow."""


class RawModule:
    """Kernels by their source text, run on the host."""

    falling = False  # set by tests: whether synchronizing threads run in falling order
    replace = ()  # set by tests: text to replace in the sources
    launches = []  # names of the kernels launched

    def __init__(self, *, code, options=()):
        (self._file,) = (file for file in sources.files() if sources.source(file) == code)
        wide = any("Index=long" in option for option in options)
        dtype = "float32" if any("Dtype=float" in option for option in options) else "float64"
        self._kernels = HostKernels(self._file, dtype, wide, type(self).replace)

    def get_function(self, name):
        kinds = [
            "array" if parameter.is_array else parameter.ctype
            for parameter in sources.signatures(self._file)[name]
        ]

        def kernel(grid, block, args):
            if len(grid) > 3 or max(grid[1:], default=1) > 65535 or not 0 < block[0] <= 1024:
                raise CUDARuntimeError("cudaErrorInvalidConfiguration")
            values = [_by_value(kind, arg) for kind, arg in zip(kinds, args, strict=True)]
            arrays = [arg for arg in args if isinstance(arg, DeviceArray)]

            def run():
                self._kernels.falling = RawModule.falling
                pointers = [value.ctypes.data for value in values]
                self._kernels.run(name, grid, block[0], pointers)
                for array in arrays:
                    array.buffer.check()

            RawModule.launches.append(name)
            TAPE.do(run)

        return kernel


def _by_value(kind, arg):
    """The bytes of one kernel argument, as a host array of one element."""
    if isinstance(arg, DeviceArray):
        return numpy.array(arg.data.ptr, "uint64")
    if not isinstance(arg, numpy.generic):
        raise TypeError(f"an argument of type {type(arg)} would be passed as CuPy sees fit")
    if kind == "array" and (arg.dtype != numpy.uintp or arg != 0):
        raise TypeError(f"{arg!r} in place of an array")
    return numpy.array(arg)


class Event:
    clock = 0.0
    done = True

    def __init__(self, **kwargs):
        self.time = 0.0

    def record(self, stream=None):
        TAPE.do(lambda: None)
        Event.clock += 1.0
        self.time = Event.clock

    def synchronize(self):
        TAPE.wait("waiting for an event")


class Graph:
    def __init__(self, calls):
        self._calls = calls

    def launch(self, stream=None):
        for call in self._calls:
            call()


class Stream:
    def __init__(self, non_blocking=False):
        self.ptr = 77

    def use(self):
        return self

    def synchronize(self):
        TAPE.wait("waiting for a stream")

    def wait_event(self, event):
        pass

    def is_capturing(self):
        return TAPE.calls is not None

    def begin_capture(self):
        TAPE.calls = []

    def end_capture(self):
        calls, TAPE.calls = TAPE.calls, None
        return Graph(calls)


class Device:
    count = 1
    multiprocessors = 3

    def __init__(self, number):
        self.attributes = {"MultiProcessorCount": self.multiprocessors, "ClockRate": 1000}
        self.compute_capability = "90"
        self.mem_info = (6 * 2**20, 8 * 2**20)

    def use(self):
        return self


class Allocation:
    def __init__(self, nbytes):
        self._buffer = MEMORY.allocate(nbytes)
        self.ptr = self._buffer.address


class Pool:
    def malloc(self, nbytes):
        return Allocation(nbytes)

    def used_bytes(self):
        return sum(end - start for start, end in list(MEMORY.blocks.items()))

    def free_all_blocks(self):
        """Does nothing: unused memory is freed immediately."""


@contextmanager
def _using_allocator(allocator):
    yield


def _asarray(a, dtype=None, order=None):
    if isinstance(a, DeviceArray):
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)
    if TAPE.calls is not None:
        raise RuntimeError("the current stream is capturing, so H2D transfers are disallowed")
    return DeviceArray.holding(numpy.asarray(a, dtype))


def _zeros(shape, dtype=float):
    new = DeviceArray.empty(shape, dtype)
    new.fill(0)
    return new


def _get_device_count():
    if Device.count == 0:
        raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    return Device.count


class _Cupy(types.ModuleType):
    def __getattr__(self, name):
        if name in NAMES["constants"]:
            return getattr(numpy, name)
        return module_function(name)


def make_module():
    """The module object."""
    module = _Cupy("cupy")
    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=_get_device_count,
        getDeviceProperties=lambda number: {"name": b"Host stand-in"},
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13020,
    )
    module.cuda = types.SimpleNamespace(
        runtime=runtime,
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        Device=Device,
        Stream=Stream,
        Event=Event,
        MemoryPool=Pool,
        alloc=Allocation,
        alloc_pinned_memory=lambda nbytes: (ctypes.c_ubyte * nbytes)(),
        using_allocator=_using_allocator,
        get_elapsed_time=lambda start, end: end.time - start.time,
    )
    module.__version__ = NAMES["version"]
    module.ndarray = DeviceArray
    module.RawModule = RawModule
    module.get_default_memory_pool = Pool
    module.empty, module.zeros = DeviceArray.empty, _zeros
    module.asarray = module.array = _asarray
    module.empty_like = lambda a: DeviceArray.empty(a.shape, a.dtype)
    module.zeros_like = lambda a: _zeros(a.shape, a.dtype)
    module.ascontiguousarray = lambda a: (
        a if a.flags.c_contiguous else apply(numpy.ascontiguousarray, (a,), {})
    )
    return module


@contextmanager
def installed(cupy=None):
    """Make `import cupy` find the stand-in; forget devices opened before and inside."""
    before = sys.modules.get("cupy")
    library = cuda._cublas_library
    sys.modules["cupy"] = cupy or make_module()
    cuda._cublas_library = lambda cupy: BlasLibrary()
    folder, ops._tuning_folder = ops._tuning_folder, lambda device: None
    # A real cuDNN needs a real GPU.
    find_cudnn, cudnn_discovery.find_library = cudnn_discovery.find_library, lambda: None
    _forget()
    try:
        yield sys.modules["cupy"]
    finally:
        cuda._cublas_library = library
        ops._tuning_folder = folder
        cudnn_discovery.find_library = find_cudnn
        if before is None:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before
        _forget()


def _forget():
    cuda.import_cupy.cache_clear()
    cuda.open_device.cache_clear()
    TAPE.calls = None
