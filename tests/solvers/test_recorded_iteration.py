"""Iterations run from a recording, on operations that record by remembering what to call."""

import logging

import numpy as np
import pytest

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.blob import Blob
from caffe_lite.errors import BackendError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver

SOLVER = """
    base_lr: 0.1 lr_policy: "step" gamma: 0.5 stepsize: 3 momentum: 0.9 weight_decay: 0.01
    max_iter: 100 random_seed: 4 display: 2 %s
    net_param {
      layer { name: "data" type: "DummyData" top: "x" top: "t"
              dummy_data_param { shape { dim: 5 dim: 4 } shape { dim: 5 dim: 2 }
                                 data_filler { type: "gaussian" }
                                 data_filler { type: "gaussian" } } }
      layer { name: "a" type: "InnerProduct" bottom: "x" top: "h"
              inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
      layer { name: "drop" type: "Dropout" bottom: "h" top: "h" }
      layer { name: "b" type: "InnerProduct" bottom: "h" top: "y"
              inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
    }
"""


class RecordingOps(NumpyOps):
    """The CPU, with `capture` as the GPU has it; `captured` counts recordings, `replays` runs."""

    can_capture = True
    captured = replays = 0
    fault: Exception | None = None
    controls: tuple = ()

    def capture(self, function):
        if self.fault is not None:
            raise self.fault
        self.captured += 1
        ops = self

        class Recording:
            def replay(self):
                ops.replays += 1
                function()

        return Recording()

    def set_update_controls(self, rate, scale=1.0, iteration=0):
        self.controls = (rate, scale, iteration)


def solver(ops, more=""):
    param = text.parse(SOLVER % more, schema.SolverParameter)
    return get_solver(param, ops)


def run(ops, more="", steps=8):
    """Weights and displayed losses of a run."""
    trained = solver(ops, more)
    shown = []
    trained.listeners.append(
        lambda event: shown.append(event) if hasattr(event, "learning_rate") else None
    )
    trained.step(steps)
    return (
        trained,
        [blob.data.copy() for blob in trained.net.learnable_params],
        [(event.iteration, event.loss, event.learning_rate) for event in shown],
    )


def test_a_recorded_run_is_the_run_layer_by_layer():
    plain, weights, shown = run(NumpyOps())
    ops = RecordingOps()
    recorded, same_weights, same_shown = run(ops)
    assert ops.captured == 1 and ops.replays == 6  # two iterations warm up
    assert recorded.iter == plain.iter == 8
    for mine, its in zip(weights, same_weights, strict=True):
        assert (mine == its).all()
    assert shown == same_shown and len(shown) == 4
    assert ops.controls[0] == pytest.approx(0.1 * 0.5**2)  # the rate of the last iteration


def test_clipping_is_recorded_but_for_the_iterations_that_show_it():
    _, weights, _ = run(NumpyOps(), "clip_gradients: 0.1")
    ops = RecordingOps()
    _, same_weights, _ = run(ops, "clip_gradients: 0.1")
    assert ops.replays == 2  # 0, 2, 4 and 6 are displayed, 1 and 3 warm up
    for mine, its in zip(weights, same_weights, strict=True):
        assert (mine == its).all()


@pytest.mark.parametrize(
    ("fields", "replays"),
    [
        ("clip_weights: 1 clamp_weights_upper: 0.25", 6),
        ("warmup_iter: 4 test_offset: 1", 6),
        ('larc: true larc_policy: "clip"', 0),
        ('momentum_policy: "poly"', 0),
        ('weight_decay_policy: "poly" max_weight_decay: 0.5', 0),
        ('lr_policy: "plateau" plateau_winsize: 1 plateau_winsize: 1', 0),
    ],
)
def test_policies_of_forks_are_recorded_or_run_layer_by_layer(fields, replays):
    """The rate is an argument of a recording; what is fixed in it must not change."""
    settings = SOLVER.replace('lr_policy: "step"', "%s") if "lr_policy" in fields else SOLVER
    runs = []
    for ops in (NumpyOps(), RecordingOps()):
        param = text.parse(
            settings.replace("%s", fields, 1).replace("%s", ""), schema.SolverParameter
        )
        trained = get_solver(param, ops)
        trained.step(8)
        runs.append([blob.data.copy() for blob in trained.net.learnable_params])
    assert ops.replays == replays
    for mine, its in zip(*runs, strict=True):
        assert (mine == its).all()


@pytest.mark.parametrize("why", ["callback", "iter_size", "hook"])
def test_what_cannot_be_recorded_runs_layer_by_layer(why):
    ops = RecordingOps()
    trained = solver(ops, "iter_size: 2" if why == "iter_size" else "")
    if why == "callback":
        trained.on_gradients_ready.append(lambda: None)
    if why == "hook":
        trained.net.after_forward.append(lambda i: None)
    trained.step(5)
    assert ops.captured == 0 and trained.iter == 5


def test_a_failed_recording_is_told_once_and_costs_nothing(caplog):
    _, weights, _ = run(NumpyOps())
    ops = RecordingOps()
    ops.fault = BackendError("waits for the device")
    with caplog.at_level(logging.DEBUG, "caffe_lite.solver"):
        _, same_weights, _ = run(ops)
    for mine, its in zip(weights, same_weights, strict=True):
        assert (mine == its).all()
    told = [record.getMessage() for record in caplog.records if "layer by layer" in record.message]
    assert told == ["iterations run layer by layer: waits for the device"]


def test_a_python_layer_that_runs_backward_is_not_recorded():
    ops = RecordingOps()
    trained = solver(ops)
    type(trained.net.layers[2]).host_side, before = True, type(trained.net.layers[2]).host_side
    try:
        trained = solver(ops)
        trained.step(4)
    finally:
        type(trained.net.layers[2]).host_side = before
    assert ops.captured == 0


def test_another_shape_is_recorded_anew():
    param = text.parse(SOLVER % "", schema.SolverParameter)
    param.net_param.layer[0].CopyFrom(
        text.parse(
            """
        name: "x" type: "Input" top: "x" input_param { shape { dim: 5 dim: 4 } } """,
            schema.LayerParameter,
        )
    )
    target = param.net_param.layer.add(name="t", type="Input", top=["t"])
    target.input_param.shape.add(dim=[5, 2])
    param.net_param.layer.insert(1, param.net_param.layer.pop())
    ops = RecordingOps()
    trained = get_solver(param, ops)
    trained.net.blobs["t"].data[...] = 1
    trained.step(4)
    assert (ops.captured, ops.replays) == (1, 2)
    for name, width in (("x", 4), ("t", 2)):
        trained.net.blobs[name].reshape(3, width)
        trained.net.blobs[name].data[...] = 1
    trained.step(4)
    assert trained.net.blobs["y"].shape == (3, 2)
    assert (ops.captured, ops.replays) == (2, 3)
    assert np.isfinite(float(trained.net.loss()))


def grow_and_shrink(net):
    net.blobs["y"].reshape(50, 2)
    assert not net.blobs["y"].data.any()
    net.blobs["y"].reshape(5, 2)


def look_elsewhere(net):
    weight = net.params["b"][0]
    other = Blob(net.ops, *weight.shape)
    other.data[...] = weight.data
    weight.share_data(other)


@pytest.mark.parametrize("move", [Net.reshape, grow_and_shrink, look_elsewhere])
def test_memory_that_moved_is_recorded_anew(move):
    ops = RecordingOps()
    trained = solver(ops)
    trained.step(4)
    assert (ops.captured, ops.replays) == (1, 2)
    move(trained.net)
    trained.step(4)
    assert (ops.captured, ops.replays) == (2, 4)


@pytest.mark.parametrize("ops", [NumpyOps, RecordingOps])
def test_the_rate_displayed_is_the_rate_of_the_update(ops):
    """Of two step values that are due at once the policy takes one per iteration."""
    param = text.parse(SOLVER % "", schema.SolverParameter)
    param.display, param.lr_policy = 1, "multistep"
    param.stepvalue.extend([3, 3])
    trained = get_solver(param, ops())
    shown = []
    trained.listeners.append(
        lambda event: shown.append(event.learning_rate) if hasattr(event, "learning_rate") else None
    )
    used = []
    update = trained.updater.apply
    trained.updater.apply = lambda rate, *rest: (used.append(rate), update(rate, *rest))
    trained.step(6)
    assert shown == used == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.025, 0.025])
