"""All operations of CupyOps on the stand-in, against the reference implementation."""

import zlib

import numpy
import pytest

from caffe_lite.backend import Ops, get_ops
from tests.backend.op_cases import CASES, compare
from tests.backend.standin.cupy_module import RawModule, installed

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


@pytest.fixture(scope="module")
def cupy():
    with installed() as module:
        yield module


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_parity(cupy, monkeypatch, name, dtype, falling):
    monkeypatch.setattr(RawModule, "falling", falling)
    seed = zlib.crc32(name.encode())
    reference = Ops(dtype=dtype)
    with reference.quiet():
        wanted = CASES[name](reference, numpy.random.default_rng(seed))
    got = CASES[name](get_ops(0, dtype), numpy.random.default_rng(seed))
    compare(got, wanted, TOLERANCE[dtype])
