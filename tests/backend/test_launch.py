"""The launcher: arguments are cast by the kernel's declaration, the grid is chosen, errors."""

import numpy
import pytest

from caffe_lite.backend.gpu import launch, sources
from caffe_lite.backend.gpu.launch import BLOCKS_PER_MULTIPROCESSOR, Launcher


class FakeModule:
    """Records compilations and launches."""

    def __init__(self, code, options):
        self.code, self.options, self.calls = code, options, []

    def get_function(self, name):
        def kernel(grid, block, args):
            self.calls.append((name, grid, block, args))

        return kernel


class Harness:
    def __init__(self, dtype="float32", multiprocessors=4):
        self.modules = []
        self.launch = Launcher(self._load, numpy.ndarray, dtype, multiprocessors)

    def _load(self, code, options):
        self.modules.append(FakeModule(code, options))
        return self.modules[-1]

    @property
    def call(self):
        return self.modules[-1].calls[-1]


def array(*shape, dtype="float32"):
    return numpy.zeros(shape, dtype)


@pytest.mark.parametrize(("dtype", "ctype"), [("float32", "float"), ("float64", "double")])
def test_numbers_take_the_declared_type(dtype, ctype):
    harness = Harness(dtype)
    x, mask = array(6, dtype=dtype), array(6, dtype="int32")
    harness.launch("max_pool", 6, 6, x, x, mask, 2, 3, 1, 1, 2, 3, 1, 1, 0, 0)
    assert f"-DDtype={ctype}" in harness.modules[0].options
    assert "-DIndex=int" in harness.modules[0].options
    _, _, _, args = harness.call
    assert args[0].dtype == args[4].dtype == numpy.int32
    harness.launch("relu", 6, 6, x, x, 0.25)
    slope = harness.call[3][-1]
    assert slope.dtype == dtype
    assert slope == 0.25
    harness.launch("advance", 1, array(3, dtype="uint64"), 5)
    assert harness.call[3][1].dtype == numpy.uint64


def test_controls_of_updates_are_doubles():
    harness = Harness("float32")
    u64, i64, i32, f64 = (array(4, dtype=d) for d in ("uint64", "int64", "int32", "float64"))
    harness.launch.blocks(
        "update_adam", 3, u64, i64, f64, i32, i32, f64, 0.1, True, 0.9, 0.99, 1e-8
    )
    name, grid, block, args = harness.call
    assert (name, grid, block) == ("update_adam", (3,), (256,))
    assert [arg.dtype.name for arg in args[6:]] == [
        *("float64", "int32", "float64", "float64", "float32"),
    ]


def test_grid_covers_and_is_bounded():
    harness = Harness(multiprocessors=4)
    x = array(1000)
    harness.launch("relu", 1000, 1000, x, x, 0)
    assert harness.call[1:3] == ((4,), (256,))
    harness.launch("relu", 257, 257, x, x, 0, block=128)
    assert harness.call[1:3] == ((3,), (128,))
    harness.launch("relu", 10**9, 1000, x, x, 0)
    assert harness.call[1] == (4 * BLOCKS_PER_MULTIPROCESSOR,)
    harness.launch("im2col_2d", (7, 70000, 80000), x, x, *(1,) * 16)
    assert harness.call[1] == (1, 65535, 65535)


def test_nothing_to_do_launches_nothing():
    harness = Harness()
    x = array(0)
    harness.launch("relu", 0, 0, x, x, 0)
    harness.launch("im2col_2d", (5, 0, 2), x, x, *(1,) * 16)
    harness.launch.blocks("softmax_rows", 0, 0, x, x, 5)
    assert harness.modules == []


def test_a_missing_array_is_a_null_pointer():
    harness = Harness()
    x = array(6)
    harness.launch("swap_outer", 2, 6, x, None, x, 1, 1, 6, False, 0)
    null = harness.call[3][2]
    assert (null.dtype, int(null)) == (numpy.dtype("uintp"), 0)


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (array(4, 6).T, "C-contiguous float32"),
        (array(4, 6)[:, ::2], "C-contiguous float32"),
        (array(6, dtype="float64"), "got float64"),
        (array(6, dtype="int32"), "got int32"),
        ([1.0], "got list"),
        (3.0, "got float"),
    ],
)
def test_a_wrong_array_is_refused(argument, text):
    harness = Harness()
    with pytest.raises(TypeError, match=f"kernel relu: x must be.*{text}"):
        harness.launch("relu", 6, 6, argument, array(6), 0)


def test_the_number_of_arguments_is_checked():
    harness = Harness()
    with pytest.raises(TypeError, match="kernel relu takes 4 arguments, got 3"):
        harness.launch("relu", 6, 6, array(6), array(6))


def test_huge_arrays_take_wide_indices(monkeypatch):
    monkeypatch.setattr(launch, "MOST_NARROW", 100)
    harness = Harness()
    harness.launch("relu", 6, 6, array(101), array(6), 0)
    assert "-DIndex=long long" in harness.modules[-1].options
    assert harness.call[3][0].dtype == numpy.int64
    harness.launch("relu", 101, 101, array(6), array(6), 0)
    assert harness.call[3][0].dtype == numpy.int64
    harness.launch("relu", 100, 100, array(100), array(100), 0)
    assert harness.call[3][0].dtype == numpy.int32
    assert len(harness.modules) == 2


def test_a_file_is_compiled_once():
    harness = Harness()
    for _ in range(3):
        harness.launch("relu", 6, 6, array(6), array(6), 0)
        harness.launch("relu_grad", 6, 6, array(6), array(6), array(6), 0)
    assert len(harness.modules) == 1
    assert harness.modules[0].code == sources.source("activations")


def test_narrow_indices_stay_in_range():
    """A grid-stride loop counts up to one grid beyond the last element."""
    most_threads = 200 * BLOCKS_PER_MULTIPROCESSOR * launch.BLOCK
    assert launch.MOST_NARROW + most_threads < 2**31
