"""Convolution through cuDNN's front end, on stand-ins for it and for CuPy."""

import sys

import numpy
import pytest

from caffe_lite.backend import Ops, get_ops
from caffe_lite.backend.gpu import cuda, cudnn_discovery
from caffe_lite.backend.gpu.cudnn import CUDNN, MOST_PLANS
from caffe_lite.backend.gpu.ops import CupyOps
from tests.backend.op_cases import CASES, CONVOLUTIONS, compare
from tests.backend.standin import cudnn_module, cupy_module


@pytest.fixture
def cudnn():
    with cudnn_module.installed() as module, cupy_module.installed():
        yield module


def prefer_cudnn(ops):
    ops.tuner.choose = lambda key, candidates, run: next(
        (plan for plan in candidates() if plan.layout == CUDNN), candidates()[0]
    )


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_parity(cudnn, name):
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    case = CASES[f"convolution, {name}"]
    wanted = case(Ops(dtype="float32"), numpy.random.default_rng(1))
    compare(case(ops, numpy.random.default_rng(1)), wanted, 2e-5)
    if not name.startswith("depthwise"):
        assert cudnn.executed == [("fprop", 0), ("dgrad", 0), ("wgrad", 0)]


@pytest.mark.parametrize(("count", "tried"), [(2, 2), (9, MOST_PLANS)])
def test_its_plans_are_measured_beside_the_others(cudnn, count, tried):
    cudnn.count = count
    ops = get_ops(0, "float32")
    seen = []
    ops.tuner._measure = lambda key, candidates, run: seen.append(candidates) or candidates[0]
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    for candidates in seen:
        theirs = [plan.variant for plan in candidates if plan.layout == CUDNN]
        assert theirs == list(range(tried)) and candidates[0].layout != CUDNN
    assert len(seen) == 3


@pytest.mark.parametrize("why", ["barred", "broken"])
def test_a_plan_that_does_not_work_is_passed_over(cudnn, why):
    setattr(cudnn, why, {0, 2})
    ops = get_ops(0, "float32")
    ops.tuner._clock = lambda: len(cudnn.executed)
    # The explicit products are slow, cuDNN's second plan is fast.
    ops.tuner._elapsed = lambda start, end: 1.0 if end > start else 9.0
    wanted = CASES["convolution, groups"](Ops(dtype="float32"), numpy.random.default_rng(1))
    for _ in range(2):
        got = CASES["convolution, groups"](ops, numpy.random.default_rng(1))
        compare(got, wanted, 2e-5)
    assert {index for _, index in cudnn.executed} == {1}
    assert {plan.variant for plan in ops.tuner._chosen.values()} == {1}


def test_what_cudnn_cannot_do_is_left_to_the_products(cudnn):
    cudnn.unsupported = {"dgrad"}
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    assert cudnn.executed == [("fprop", 0), ("wgrad", 0)]


@pytest.mark.parametrize(("tf32", "allowed"), [("none", False), ("convolution", True)])
def test_tf32(cudnn, tf32, allowed):
    ops = CupyOps(0, "float32", tf32)
    prefer_cudnn(ops)
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    assert all(("core" in graph.notes) != allowed for graph, _ in cudnn.built)
    assert len(cudnn.built) == 3


def test_a_shape_is_built_once(cudnn):
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    for _ in range(2):
        CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    assert len(cudnn.built) == 3


def test_it_can_be_captured(cudnn):
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    shape, outputs, geometry = CONVOLUTIONS["groups"]
    x = ops.zeros(shape)
    weight = ops.asarray(numpy.ones((outputs, shape[1] // geometry.group, *geometry.kernel)))
    y = ops.zeros((shape[0], outputs, *geometry.output(shape[2:])))
    ops.convolution(x, weight, None, y, geometry)
    recording = ops.capture(lambda: ops.convolution(x, weight, None, y, geometry))
    x.fill(1)
    recording.replay()
    assert ops.to_host(y).max() == 2 * 9


def test_doubles_do_without(cudnn):
    assert get_ops(0, "float64").cudnn is None


def test_a_broken_installation_is_done_without(cudnn):
    def refuse():
        raise RuntimeError("Unable to find symbol cudnnGetVersion")

    cudnn.backend_version_string = refuse
    assert get_ops(0, "float32").cudnn is None
    assert "extra cudnn13" in cuda.device_query(0)["cudnn"]


def test_it_can_be_switched_off(cudnn, monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_CUDNN", "0")
    assert get_ops(0, "float32").cudnn is None


def test_without_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cudnn", None)
    cudnn_discovery.import_front_end.cache_clear()
    with cupy_module.installed():
        assert get_ops(0, "float32").cudnn is None
    cudnn_discovery.import_front_end.cache_clear()
