"""Every layer type on a GPU's backend: on the stand-in for CuPy, and on a device where one answers.

The stand-in refuses what CuPy refuses, fills new memory with garbage, and counts how often the host
waits for the device.
"""

import importlib.util

import pytest

from caffe_lite.backend import Ops, get_ops
from caffe_lite.errors import BackendError
from tests.backend.standin.cupy_module import installed
from tests.backend.standin.device_array import TAPE
from tests.test_layer_contract import (  # the fixtures are used by name
    build,
    closing,
    compare,
    flags_of,
    in_sources,
    some,
    sources,
    top_diffs,
)

__all__ = ["closing", "in_sources", "sources"]


@pytest.fixture(scope="module")
def cupy():
    with installed() as module:
        yield module


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@some(lambda case: not case.random)
def test_the_stand_in_equals_the_reference(cupy, case, dtype):
    compare(case, Ops(dtype=dtype), get_ops(0, dtype=dtype), dtype)


@some(lambda case: case.bottoms)
def test_a_steady_iteration_does_not_wait_for_the_device(cupy, case):
    run = build(case, ops=get_ops(0))
    if run.layer.host_side:
        pytest.skip("says itself that it waits: host_side")
    flags, diffs = flags_of(case, run), top_diffs(run)
    for blob, diff in zip(run.top, diffs, strict=True):
        blob.diff[...] = run.layer.ops.asarray(diff)

    def iterate():
        run.layer.forward(run.bottom, run.top)
        if case.gradient:
            run.layer.backward(run.top, flags, run.bottom)

    iterate()
    before = TAPE.waits
    iterate()
    assert TAPE.waits == before


def gpu_answers():
    if importlib.util.find_spec("cupy") is None:
        return False
    try:
        get_ops(0)
    except BackendError:
        return False
    return True


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_answers(), reason="no CuPy with a CUDA device here")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@some(lambda case: not case.random)
def test_gpu_equals_the_reference(case, dtype):
    compare(case, Ops(dtype=dtype), get_ops(0, dtype=dtype), dtype)
