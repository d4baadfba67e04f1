"""Faults planted in the kernels are found by running them on the host.

`test_cupy_standin.py` tests that the results of the unchanged kernels are right.
"""

import zlib

import numpy
import pytest

from caffe_lite.backend import Ops, get_ops
from caffe_lite.backend.gpu import arrays, launch, sources
from tests.backend.op_cases import CASES, compare
from tests.backend.standin.cupy_module import Device, RawModule, installed
from tests.backend.standin.host_kernels import HostKernels

pytestmark = pytest.mark.slow

# A change of the sources, and a case that must then fail in one of the two orders of threads.
FAULTS = [
    ("if (lane == 0) of_warp[threadIdx.x / WARP] = value;\n    __syncthreads();",
     "if (lane == 0) of_warp[threadIdx.x / WARP] = value;", "bias"),
    ("int lane = threadIdx.x % WARP;\n    __syncthreads();", "int lane = threadIdx.x % WARP;",
     "softmax of (5, 70, 1)"),
    ("(int lanes = WARP / 2; lanes > 0", "(int lanes = WARP / 2; lanes > 1", "sum of squares"),
    ("}\n    __syncthreads();\n    const Dtype corrected", "}\n    const Dtype corrected",
     "update by Adam"),
    ("sum *= exp(before - largest);", "", "softmax of (2, 1500, 1)"),
    ("h < height && w >= 0", "h <= height && w >= 0", "convolution, dilation"),
    ("tap * dilation == offset ? tap : -1", "tap", "convolution, dilation"),
    ("ow + i <= last_w && kw >= 0", "kw >= 0", "convolution, one image"),
    ("from % stride[axis] == 0", "true", "convolution, three axes"),
    ("values[j] > largest || first", "values[j] >= largest || first",
     "pooling, ties, infinities and NaN"),
    ("values[j] > largest || first", "values[j] > largest", "pooling, ties, infinities and NaN"),
    ("value > largest) {\n                        largest = value;\n                        best",
     "value >= largest) {\n                        largest = value;\n                        best",
     "roi pooling, ties, infinities and NaN"),
    ("(above - kernel_h) / stride_h + 1", "(above - kernel_h) / stride_h + 2",
     "pooling, overlapping"),
    ("winner == pixel + r * width", "winner == pixel", "pooling, overlapping"),
    ("if (h + r < height)", "if (h + r + 1 < height)", "pooling, overlapping"),
    ("height + 2 * pad_h ? top", "height + pad_h ? top", "pooling, pad on both"),
    ("int before = (size - 1) / 2;", "int before = size / 2;", "lrn, window of even size"),
    ("2 * alpha_over_size * beta", "2 * alpha_over_size", "lrn across channels"),
    ("first + RUN < channels ? first + RUN : channels", "first", "lrn, many channels"),
    ("held[i] = held[i + STEP];", "held[i] = held[i];", "lrn, many channels"),
    ("c >= 0 && c < channels ? value : (Dtype)0", "value", "lrn across channels"),
    ("= c < channels ? value : (Dtype)0", "= value", "lrn across channels"),
    ("carried * f;", "total * f;", "lstm unit"),
    ("total * i * (1 - g * g)", "total * i * (1 - g)", "lstm unit"),
    ("trunc(label[i]) != ignore", "true", "softmax loss, ignored class"),
    ("if (++place == inner)", "if (++place > inner)", "softmax loss, ignored class"),
    ("if (++c == classes)", "if (++c > classes)", "softmax loss of (6, 7, 1)"),
    ("history[i] = diff[i] = step;", "diff[i] = step;", "update by SGD"),
    ("(1 + momentum) * now", "momentum * now", "update by Nesterov"),
    ("steps[i] = (1 - momentum) * (u * u)", "steps[i] = (1 - momentum) * u",
     "update by AdaDelta"),
    ("state[0] += blocks", "state[0] += 1", "random numbers"),
    ("state[0] + (u64)block + 1", "state[0] + (u64)block", "dropout"),
    (">= ratio ? kept", "> 1 - ratio ? kept", "dropout"),
    ("start + PIECE < sizes[own] ? start + PIECE", "start + PIECE < sizes[own] ? start + PIECE - 1",
     "clear"),
    ("cont_next[row] * dh_next[cell]", "dh_next[cell]", "lstm unit joined to the next"),
    ("cont_next[row] * out", "out", "lstm unit joined to the next"),
    ("cont_next[cell / hidden] * dh_next", "dh_next", "rnn unit"),
    ("cont_next[cell / hidden] * out", "out", "rnn unit"),
    ("(1 - h[cell] * h[cell])", "(1 - h[cell])", "rnn unit"),
    ("slope[i / pixels % channels] * value", "slope[i % channels] * value", "prelu"),
    ("(x[i] <= 0 ? slope[i / pixels % channels] : (Dtype)0)", "slope[0]", "prelu"),
    ("x[at] > 0 ? (Dtype)0", "x[at] > 1 ? (Dtype)0", "prelu"),
    ("sums[i][lane]", "sums[0][lane]", "bias"),
    ("first + lane < columns ? first + lane : columns - 1", "first + lane % (WARP - 1)", "bias"),
    ("int split = lane;", "int split = lane + 1;", "bias"),
    ("own + 1 < channels ? own + 1 : 0", "own + 1", "bias and relu"),
    ("if (++pixel == pixels)", "if (++pixel > pixels)", "bias and relu"),
    ("four * 4 + 4 <= n &&", "four * 4 <= n &&", "relu"),
    ("if (pixel >= pixels)", "if (pixel > pixels)", "bias"),
    ("there ? value : (Dtype)0;                                             \\", "value; \\",
     "bias"),
    ("!(before > now)", "now > before", "eltwise max"),
    ("before != before || before > now", "before > now", "eltwise max"),
    ("winner[i] == index ?", "winner[i] >= index ?", "eltwise max"),
    ("rest % count[axis] + first[axis]", "rest % count[axis]", "crop"),
    ("at >= 0 && at < count[axis];", "at < count[axis];", "crop"),
    ("i / inner / tiles * inner", "i / tiles", "tile"),
    ("t < tiles", "t < tiles - 1", "tile"),
    ("-floor((Dtype)0.5 - a)", "floor(a + (Dtype)0.5)", "roi pooling"),
    ("start + 1, (Dtype)1)", "start + 1, (Dtype)0)", "roi pooling"),
    ("ceil((i + 1) * step)", "floor((i + 1) * step)", "roi pooling"),
    ("(Index)rois[plane / channels * 5]", "0", "roi pooling"),
    ("o / multiplier) * height", "o % channels) * height", "convolution, depthwise times 3"),
    ("if (block_max(earlier) > 0) continue;", "", "take and scatter_add"),
    ("i < count && ids[i] == id", "i < count", "take and scatter_add"),
    ("same[threadIdx.x] = hit;\n            __syncthreads();", "same[threadIdx.x] = hit;",
     "scatter_add of many ids, of wide rows, of none"),
    ("i < first; i += blockDim.x) {\n            earlier",
     "i < first; i += first) {\n            earlier",
     "scatter_add of many ids, of wide rows, of none"),
]  # fmt: skip


def run(name, dtype="float64"):
    seed = zlib.crc32(name.encode())
    reference = Ops(dtype=dtype)
    with reference.quiet():
        wanted = CASES[name](reference, numpy.random.default_rng(seed))
    got = CASES[name](get_ops(0, dtype), numpy.random.default_rng(seed))
    compare(got, wanted, 1e-12)


@pytest.mark.parametrize(("old", "new", "name"), FAULTS)
def test_a_planted_fault_is_found(monkeypatch, old, new, name):
    changed = [file for file in sources.files() if old in sources.source(file)]
    assert changed, "the text to change is gone from the sources"
    monkeypatch.setattr(RawModule, "replace", ((old, new),))
    with installed():
        run_fails = []
        for falling in (False, True):
            monkeypatch.setattr(RawModule, "falling", falling)
            try:
                run(name)
            except (AssertionError, RuntimeError) as error:
                run_fails.append(error)
    assert run_fails, f"{name} passes with {new!r} in place of {old!r}"


def test_wide_indices(monkeypatch):
    monkeypatch.setattr(launch, "MOST_NARROW", -1)
    with installed():
        for name in CASES:
            run(name)


def test_small_grids(monkeypatch):
    """Every loop is a grid-stride loop: one block can do all the work."""
    monkeypatch.setattr(launch, "BLOCKS_PER_MULTIPROCESSOR", 1)
    monkeypatch.setattr(Device, "multiprocessors", 1)
    monkeypatch.setattr(launch, "MOST_BLOCKS_YZ", 2)
    with installed():
        for name in CASES:
            run(name)


def test_every_kernel_is_launched(monkeypatch):
    RawModule.launches.clear()
    with installed():
        for name in CASES:
            run(name)
        monkeypatch.setattr(arrays, "MOST_ORDERED", 0)
        run("take and scatter_add")
        for name in ("convolution, groups", "convolution, pointwise", "convolution, one axis"):
            ops = get_ops(0, "float64")
            ops.tuner.choose = lambda key, candidates, run: candidates()[-1]
            run(name)
    never = set(sources.file_of()) - set(RawModule.launches)
    assert not never, f"no case launches {sorted(never)}"


def test_a_thread_that_never_comes_is_found():
    kernels = HostKernels(
        "updates",
        "float64",
        replace=[("Dtype sum = 0;", "if (threadIdx.x) return; Dtype sum = 0;")],
    )
    partial, total = numpy.ones(5), numpy.zeros(1)
    blocks = numpy.array(5, "int32")
    pointers = [
        numpy.array(array.ctypes.data if array is not blocks else 0, "uint64")
        for array in (blocks, partial, total)
    ]
    pointers[0] = blocks
    with pytest.raises(RuntimeError, match="wait where others never come"):
        kernels.run("sum_partial", (1,), 64, [pointer.ctypes.data for pointer in pointers])
