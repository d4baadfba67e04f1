"""Lion learns, equals its formula, and continues from a snapshot bit for bit."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops, native
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.datasets.digits import load_digits
from caffe_lite.errors import SolverError
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver, solver_types

LEARNED = """
layer { name: "ip1" type: "InnerProduct" bottom: "x" top: "ip1"
        param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
        inner_product_param { num_output: 20 weight_filler { type: "xavier" }
                              bias_filler { type: "constant" value: 0.1 } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1"
        dropout_param { dropout_ratio: 0.2 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
DIGITS = """
layer { name: "data" type: "MemoryData" top: "x" top: "label"
        memory_data_param { batch_size: 32 channels: 64 height: 1 width: 1 } }
"""
SETTINGS = """
type: "Lion" momentum: 0.75 base_lr: 0.015625 lr_policy: "step" gamma: 0.5 stepsize: 2
weight_decay: 0.125 random_seed: 1 momentum2: %g %s net_param { %s %s }
"""


def lion(ops, more="", momentum2=0.875):
    solver = get_solver(
        text.parse(SETTINGS % (momentum2, more, DIGITS, LEARNED), schema.SolverParameter), ops
    )
    images, labels = load_digits("train")
    pixels = (images[:1408] / 16).astype("float32").reshape(-1, 64, 1, 1)
    for layer in solver.net.layers:
        if layer.type == "MemoryData":
            layer.set_arrays(pixels, labels[:1408].astype("float32"))
    return solver


def backends():
    found = {"numpy": lambda dtype: NumpyOps(dtype)}
    if native.load("float32") is not None:
        found["native"] = lambda dtype: get_ops(dtype=dtype)
    return found


def test_the_entry_point_makes_the_type_known():
    assert "Lion" in solver_types()


@pytest.mark.parametrize("kind", backends())
def test_it_equals_the_formula(kind):
    solver = lion(backends()[kind]("float64"))
    rng = np.random.default_rng(2)
    blobs = solver.net.learnable_params
    means = [np.zeros(blob.shape) for blob in blobs]
    rates, decays = [1, 2, 1, 1], [1, 0, 1, 1]
    for t in range(4):
        want = []
        for i, blob in enumerate(blobs):
            w, g, rate = blob.data.copy(), rng.normal(size=blob.shape), 0.5 ** (6 + t // 2)
            blob.diff[...] = g
            direction = np.sign(0.75 * means[i] + 0.25 * g)
            want.append(w - rate * rates[i] * (direction + 0.125 * decays[i] * w))
            means[i] = 0.875 * means[i] + 0.125 * g
        solver.apply_update()
        for blob, w in zip(blobs, want, strict=True):
            np.testing.assert_allclose(blob.data, w, rtol=1e-12, atol=1e-14)
        for history, m in zip(solver.history, means, strict=True):
            np.testing.assert_allclose(history.data, m, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", backends())
def test_it_learns(kind):
    solver = lion(backends()[kind]("float32"))
    solver.param.base_lr, solver.param.lr_policy = 0.004, "fixed"
    solver.param.weight_decay = 0.01
    losses = []
    for _ in range(150):
        solver.step(1)
        losses.append(float(solver.net.loss()))
    assert np.mean(losses[:5]) > 2
    assert np.mean(losses[-20:]) < 0.5


@pytest.mark.parametrize("file_format", ["BINARYPROTO", "HDF5"])
def test_a_resumed_run_is_the_run_that_never_stopped(tmp_path, file_format):
    more = f'snapshot_prefix: "{tmp_path}/lion" snapshot_format: {file_format}'
    whole = lion(get_ops(), more)
    whole.step(4)
    _, state = whole.snapshot()
    whole.step(5)
    resumed = lion(get_ops(), more)
    resumed.restore(state)
    resumed.step(5)
    for mine, its in zip(resumed.net.learnable_params, whole.net.learnable_params, strict=True):
        np.testing.assert_array_equal(mine.data, its.data)
    for mine, its in zip(resumed.history, whole.history, strict=True):
        np.testing.assert_array_equal(mine.data, its.data)
        assert mine.data.any()


def test_a_momentum_out_of_range():
    with pytest.raises(SolverError, match=r"Lion needs momentum2 in \[0, 1\), got 1"):
        lion(get_ops(), momentum2=1)
