"""The CPU backends against the reference implementation, on the same cases as the GPU backend."""

import zlib

import numpy
import pytest

from caffe_lite.backend import Ops, native
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.ops import NativeOps
from tests.backend.op_cases import CASES, compare

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def cpu_ops(kind, dtype):
    if kind == "numpy":
        return NumpyOps(dtype)
    library = native.load(dtype)
    if library is None:
        pytest.skip("native code needs a C compiler and a cache to keep it in")
    return NativeOps(library, dtype)


@pytest.mark.parametrize("kind", ["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_parity(name, dtype, kind):
    seed = zlib.crc32(name.encode())
    ops, reference = cpu_ops(kind, dtype), Ops(dtype=dtype)
    with reference.quiet():
        wanted = CASES[name](reference, numpy.random.default_rng(seed))
        got = CASES[name](ops, numpy.random.default_rng(seed))
    compare(got, wanted, TOLERANCE[dtype])
