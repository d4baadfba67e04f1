"""Arrays of the stand-in: host memory that may only be used as CuPy allows.

They refuse what CuPy refuses: mixing with host arrays, functions and arguments that CuPy does not
have, reading without `.get()`. New memory holds garbage, and is fenced: a kernel that writes beside
its arrays is found out. While a stream is captured, work is recorded and not done.
"""

import json
from pathlib import Path

import numpy

from tests.backend.standin.memory import MEMORY, TAPE, check_capturable

NAMES = json.loads(Path(__file__).with_name("cupy_names.json").read_text())

_UFUNC_ARGUMENTS = {"out", "dtype", "casting"}
_REDUCTION_ARGUMENTS = {
    "sum": {"axis", "dtype", "out", "keepdims"},
    "mean": {"axis", "dtype", "out", "keepdims"},
    "max": {"axis", "out", "keepdims"},
    "min": {"axis", "out", "keepdims"},
    "argmax": {"axis", "dtype", "out", "keepdims"},
    "all": {"axis", "out", "keepdims"},
    "any": {"axis", "out", "keepdims"},
}


class DeviceArray:
    """`cupy.ndarray` over fenced host memory."""

    __array_ufunc__ = None  # arithmetic with NumPy scalars is done by this class

    def __init__(self, array, buffer):
        self._a, self.buffer = array, buffer

    @classmethod
    def empty(cls, shape, dtype=float):
        dtype = numpy.dtype(dtype)
        shape = (shape,) if isinstance(shape, (int, numpy.integer)) else tuple(shape)
        count = int(numpy.prod(shape, dtype="int64"))
        buffer = MEMORY.allocate(count * dtype.itemsize)
        return cls(buffer.bytes.view(dtype)[:count].reshape(shape), buffer)

    @classmethod
    def holding(cls, host):
        new = cls.empty(host.shape, host.dtype)
        new._a[...] = host
        return new

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    @property
    def data(self):
        return type("MemoryPointer", (), {"ptr": self._a.ctypes.data})()

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    strides = property(lambda self: self._a.strides)
    flags = property(lambda self: self._a.flags)
    T = property(lambda self: apply(lambda a: a.T, (self,), {}))

    def get(self):
        TAPE.wait("a copy to the host")
        return self._a.copy()

    def set(self, host, stream=None):
        if TAPE.calls is not None:
            raise RuntimeError("the current stream is capturing, so H2D transfers are disallowed")
        if type(host) is not numpy.ndarray:
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if (host.dtype, host.shape) != (self.dtype, self.shape) or not self.flags.c_contiguous:
            raise ValueError(f"cannot set {host.dtype}{host.shape} to {self.dtype}{self.shape}")
        self._a[...] = host

    def fill(self, value):
        TAPE.do(lambda: self._a.fill(value))

    def copy(self):
        return apply(numpy.copy, (self,), {})

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        return (self[i] for i in range(len(self._a)))

    def __getitem__(self, key):
        key = _unwrap_key(key)
        return apply(lambda a: a[key], (self,), {})

    def __setitem__(self, key, value):
        key, value = _unwrap_key(key), unwrap(value)

        def assign():
            self._a[key] = value

        TAPE.do(assign)

    def __getattr__(self, name):
        if name not in NAMES["methods"] or name.startswith("_"):
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        allowed = _REDUCTION_ARGUMENTS.get(name)

        def method(*args, **kwargs):
            if allowed is not None and set(kwargs) - allowed:
                raise TypeError(f"cupy.ndarray.{name} takes no {set(kwargs) - allowed}")
            check_capturable(name, (self, *args))
            if name in ("item", "tolist"):
                TAPE.wait("a copy to the host")
                return getattr(self._a, name)(*args)
            return apply(
                lambda a, *rest, **more: getattr(a, name)(*rest, **more), (self, *args), kwargs
            )

        return method

    def _number(self, kind):
        TAPE.wait("a copy to the host")
        return kind(self._a)

    def __float__(self):
        return self._number(float)

    def __int__(self):
        return self._number(int)

    def __bool__(self):
        return self._number(bool)

    def __index__(self):
        return self._number(lambda a: a.__index__())


def _binary(name):
    def operator(self, other):
        check_capturable(name, (self, other))
        return apply(lambda a, b: getattr(numpy.asarray(a), name)(b), (self, other), {})

    return operator


def _in_place(name):
    def operator(self, other):
        target, value = self._a, unwrap(other)
        TAPE.do(lambda: getattr(target, name)(value))
        return self

    return operator


for _name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
    setattr(DeviceArray, f"__{_name}__", _binary(f"__{_name}__"))
    setattr(DeviceArray, f"__i{_name}__", _in_place(f"__i{_name}__"))
    if _name != "matmul":
        setattr(DeviceArray, f"__r{_name}__", _binary(f"__r{_name}__"))
for _name in "eq ne lt le gt ge".split():
    setattr(DeviceArray, f"__{_name}__", _binary(f"__{_name}__"))
for _name in "neg pos abs invert".split():
    setattr(
        DeviceArray,
        f"__{_name}__",
        lambda self, name=f"__{_name}__": apply(lambda a: getattr(a, name)(), (self,), {}),
    )
DeviceArray.__hash__ = None


def unwrap(value):
    """The host view of device arrays in an argument; host arrays are refused."""
    if isinstance(value, DeviceArray):
        return value._a
    if isinstance(value, numpy.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(item) for item in value)
    return value


def _unwrap_key(key):
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if isinstance(part, DeviceArray) and part.dtype == bool:
            TAPE.wait("indexing by a mask")
    return tuple(map(unwrap, parts)) if isinstance(key, tuple) else unwrap(key)


def apply(function, args, kwargs):
    """Call a NumPy function on device arrays; its result is a view or a new device array."""
    out = kwargs.get("out")
    host_args = [unwrap(arg) for arg in args]
    host_kwargs = {name: unwrap(value) for name, value in kwargs.items()}
    if out is not None:
        TAPE.do(lambda: function(*host_args, **host_kwargs))
        return out
    with numpy.errstate(all="ignore"):
        result = function(*host_args, **host_kwargs)
    return _wrap(result, args, function, host_args, host_kwargs)


def _wrap(result, args, function, host_args, host_kwargs):
    if isinstance(result, (tuple, list)):
        TAPE.wait("a result of unknown shape")
        return type(result)(_wrap(item, (), None, (), {}) for item in result)
    if not isinstance(result, (numpy.ndarray, numpy.generic)):
        return result
    for arg in args:
        if (
            isinstance(arg, DeviceArray)
            and isinstance(result, numpy.ndarray)
            and result.size
            and numpy.may_share_memory(result, arg._a)
        ):
            return DeviceArray(result, arg.buffer)
    new = DeviceArray.holding(numpy.asarray(result))
    if TAPE.calls is not None and function is not None:
        new._a[...] = 0  # the values are known only when the recording is replayed

        def again():
            new._a[...] = function(*host_args, **host_kwargs)

        TAPE.do(again)
    return new


def module_function(name):
    """`cupy.<name>`, with the arguments of CuPy's function; AttributeError if it has none."""
    if name in NAMES["ufuncs"]:
        return _Ufunc(name)
    if name not in NAMES["functions"]:
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    known = NAMES["functions"][name]
    function = getattr(numpy, name)

    def call(*args, **kwargs):
        if known and "kwargs" not in known and set(kwargs) - set(known):
            raise TypeError(f"cupy.{name} takes no {set(kwargs) - set(known)}")
        check_capturable(name, args)
        return apply(function, args, kwargs)

    return call


class _Ufunc:
    def __init__(self, name):
        self._name, self._function = name, getattr(numpy, name)

    def __call__(self, *args, **kwargs):
        if set(kwargs) - _UFUNC_ARGUMENTS:
            raise TypeError(f"cupy.{self._name}: Wrong arguments {kwargs}")
        check_capturable(self._name, args)
        positional = args[self._function.nin :]
        if positional:
            kwargs["out"] = positional[0]
        return apply(self._function, args[: self._function.nin], kwargs)

    def at(self, target, indices, values):
        TAPE.do(lambda: self._function.at(target._a, _unwrap_key(indices), unwrap(values)))
