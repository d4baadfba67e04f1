"""Convolution through cuDNN's C library, on stand-ins for it and for CuPy."""

import os
from types import SimpleNamespace

import numpy
import pytest

from caffe_lite.backend import Ops, get_ops
from caffe_lite.backend.gpu import cudnn_discovery, cudnn_library
from caffe_lite.backend.gpu.cudnn import CUDNN
from caffe_lite.backend.gpu.ops import CupyOps
from tests.backend.op_cases import CASES, CONVOLUTIONS, compare
from tests.backend.standin import cudnn_module, cupy_module
from tests.backend.standin.cudnn_library import NOT_SUPPORTED, SUCCESS, CudnnLibrary
from tests.backend.test_cudnn import prefer_cudnn


@pytest.fixture
def library(monkeypatch):
    with cupy_module.installed(), monkeypatch.context() as patch:
        found = CudnnLibrary()
        patch.setattr(cudnn_discovery, "find_library", lambda: found)
        yield found


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_parity(library, name):
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    case = CASES[f"convolution, {name}"]
    wanted = case(Ops(dtype="float32"), numpy.random.default_rng(1))
    for _ in range(2):
        compare(case(ops, numpy.random.default_rng(1)), wanted, 2e-5)
    if not name.startswith("depthwise"):
        kinds = [("Forward", 1), ("BackwardData", 1), ("BackwardFilter", 1)]
        assert library.executed == kinds * 2


@pytest.mark.parametrize(
    ("found", "usable"),
    [
        ([(5, NOT_SUPPORTED, 0, 0), (1, SUCCESS, 8, 0)], [1]),
        ([(4, SUCCESS, 2**40, 0), (0, SUCCESS, 0, 3)], [0]),
        ([(1, SUCCESS, 0, 2), (7, SUCCESS, 0, 1)], [7]),
        ([], []),
    ],
)
def test_what_it_finds_is_sifted(library, found, usable):
    library.found = found
    ops = get_ops(0, "float32")
    seen = []
    ops.tuner._measure = lambda key, candidates, run: seen.append(candidates) or candidates[0]
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    for candidates in seen:
        theirs = [plan for plan in candidates if plan.layout == CUDNN]
        assert len(theirs) == len(usable)
    for product in ops.cudnn._products.values():
        assert product._algorithms == usable


def test_an_algorithm_that_does_not_run_is_passed_over(library):
    library.broken = {1}
    ops = get_ops(0, "float32")
    ops.tuner._clock = lambda: len(library.executed)
    ops.tuner._elapsed = lambda start, end: 1.0 if end > start else 9.0
    wanted = CASES["convolution, groups"](Ops(dtype="float32"), numpy.random.default_rng(1))
    compare(CASES["convolution, groups"](ops, numpy.random.default_rng(1)), wanted, 2e-5)
    assert {algorithm for _, algorithm in library.executed} == {0}


def test_what_cudnn_cannot_do_is_left_to_the_products(library):
    library.unsupported = {"BackwardData"}
    ops = get_ops(0, "float32")
    prefer_cudnn(ops)
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    assert [kind for kind, _ in library.executed] == ["Forward", "BackwardFilter"]


@pytest.mark.parametrize(("tf32", "math"), [("none", 3), ("convolution", 0), ("all", 0)])
def test_tf32(library, tf32, math):
    ops = CupyOps(0, "float32", tf32)
    prefer_cudnn(ops)
    CASES["convolution, groups"](ops, numpy.random.default_rng(1))
    assert set(library.maths) == {math}


def test_one_handle_serves_all(library):
    for _ in range(3):
        get_ops(0, "float32")
    assert len(library.objects) == 1


def test_its_front_end_comes_first(library):
    with cudnn_module.installed():
        assert get_ops(0, "float32").cudnn.version == "9.27.0"


def test_a_front_end_that_does_not_start_is_done_without(library):
    with cudnn_module.installed() as module:
        module.create_handle = lambda: 1 / 0
        assert get_ops(0, "float32").cudnn.version == "9.10.2"


def test_another_major_version_is_done_without(monkeypatch):
    with cupy_module.installed(), monkeypatch.context() as patch:
        patch.setattr(cudnn_discovery, "find_library", lambda: CudnnLibrary(version=8907))
        assert get_ops(0, "float32").cudnn is None


def test_a_library_without_these_functions_is_done_without(library):
    del library.cudnnConvolutionBackwardData
    assert get_ops(0, "float32").cudnn is None


def test_it_can_be_switched_off(library, monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_CUDNN", "0")
    assert get_ops(0, "float32").cudnn is None


@pytest.mark.skipif(os.name == "nt", reason="libraries have other names on Windows")
def test_the_library_that_a_package_brings_is_found(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(cudnn_library.ctypes, "CDLL", lambda name: opened.append(name))
    folder = tmp_path / "nvidia" / "cudnn" / "lib"
    folder.mkdir(parents=True)
    monkeypatch.setattr(
        cudnn_library,
        "find_spec",
        lambda name: SimpleNamespace(submodule_search_locations=[str(folder.parent)]),
    )
    cudnn_library.open_library()
    (folder / "libcudnn.so.9").touch()
    cudnn_library.open_library()
    assert opened == ["libcudnn.so.9", str(folder / "libcudnn.so.9")]


def test_a_missing_library_is_done_without(monkeypatch):
    def fail(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(cudnn_library.ctypes, "CDLL", fail)
    cudnn_discovery.find_library.cache_clear()
    assert cudnn_discovery.find_library() is None
    cudnn_discovery.find_library.cache_clear()
