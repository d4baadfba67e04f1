"""A run that is stopped and resumed is, bit for bit, the run that was never stopped."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.proto import schema, text
from caffe_lite.solvers import events, get_solver
from tests.solvers.solver_nets import Recorder, params, write_rows

# Batches that do not divide the rows, shuffling, dropout, recurrent state: all must carry over.
NET = """
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label" include {{ phase: TRAIN }}
        hdf5_data_param {{ source: "{folder}/train.txt" batch_size: 4 shuffle: true }} }}
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label" include {{ phase: TEST }}
        hdf5_data_param {{ source: "{folder}/test.txt" batch_size: 3 shuffle: true }} }}
layer {{ name: "drop" type: "Dropout" bottom: "data" top: "dropped"
        dropout_param {{ dropout_ratio: 0.4 }} }}
layer {{ name: "steps" type: "Reshape" bottom: "dropped" top: "steps"
        reshape_param {{ shape {{ dim: 1 dim: -1 dim: 3 }} }} }}
layer {{ name: "cont" type: "DummyData" top: "cont" include {{ phase: TRAIN }}
        dummy_data_param {{ shape {{ dim: 1 dim: 4 }}
                            data_filler {{ type: "constant" value: 1 }} }} }}
layer {{ name: "cont" type: "DummyData" top: "cont" include {{ phase: TEST }}
        dummy_data_param {{ shape {{ dim: 1 dim: 3 }}
                            data_filler {{ type: "constant" value: 1 }} }} }}
layer {{ name: "lstm" type: "LSTM" bottom: "steps" bottom: "cont" top: "hidden"
        recurrent_param {{ num_output: 5 weight_filler {{ type: "gaussian" std: 0.5 }} }} }}
layer {{ name: "flat" type: "Reshape" bottom: "hidden" top: "flat"
        reshape_param {{ shape {{ dim: -1 dim: 5 }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "flat" top: "ip"
        inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }}
"""

SETTINGS = """
base_lr: 0.1 lr_policy: "multistep" gamma: 0.5 stepvalue: 5 stepvalue: 8 momentum: {momentum}
type: "{rule}" weight_decay: 0.01 iter_size: 2 clip_gradients: 1.5 max_iter: 12 display: 1
average_loss: {window} test_iter: 2 test_iter: 4 test_interval: 3 snapshot: {every}
snapshot_prefix: "{folder}/run" snapshot_format: {file_format} {seed}
"""


@pytest.fixture
def train(tmp_path):
    write_rows(tmp_path / "train.txt", 22, seed=1)
    write_rows(tmp_path / "test.txt", 13, seed=2)

    def make(
        rule="SGD",
        file_format="BINARYPROTO",
        every=1,
        seed="random_seed: 7",
        window=3,
        net=NET,
        **options,
    ):
        param = text.parse(
            SETTINGS.format(
                rule=rule,
                file_format=file_format,
                every=every,
                folder=tmp_path,
                seed=seed,
                window=window,
                momentum=0 if rule in ("AdaGrad", "RMSProp") else 0.9,
            ),
            schema.SolverParameter,
        )
        param.net_param.CopyFrom(text.parse(net.format(folder=tmp_path), schema.NetParameter))
        recorder = Recorder()
        return get_solver(param, get_ops(), listeners=[recorder], **options), recorder

    return make


def outcome(solver):
    arrays = params(solver) + [blob.data.copy() for blob in solver.history]
    solver.close()
    return arrays


def assert_equal(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("rule", "file_format"),
    [
        ("SGD", "BINARYPROTO"),
        ("SGD", "HDF5"),
        ("Nesterov", "HDF5"),
        ("AdaGrad", "BINARYPROTO"),
        ("RMSProp", "HDF5"),
        ("AdaDelta", "BINARYPROTO"),
        ("Adam", "HDF5"),
        ("Adam", "BINARYPROTO"),
    ],
)
def test_from_every_snapshot(train, tmp_path, rule, file_format):
    whole, recorder = train(rule, file_format)
    whole.solve()
    want, log = outcome(whole), recorder.log
    end = ".h5" if file_format == "HDF5" else ""
    for stop in (1, 3, 5, 6, 11) if rule == "SGD" else (4,):
        resumed, again = train(rule, file_format)
        resumed.solve(tmp_path / f"run_iter_{stop}.solverstate{end}")
        assert again.of(events.Restored)[0].exact
        assert_equal(outcome(resumed), want)
        assert len(again.log) > 3
        assert again.log == log[-len(again.log) :]
        assert again.of(events.IterationDisplayed)[0].iteration == stop


def test_without_a_seed(train, tmp_path):
    """Random streams come from the state, not from the seed."""
    whole, recorder = train(seed="")
    whole.solve()
    want = outcome(whole)
    resumed, again = train(seed="")
    resumed.solve(tmp_path / "run_iter_4.solverstate")
    assert_equal(outcome(resumed), want)
    assert again.log == recorder.log[-len(again.log) :]


@pytest.mark.parametrize("asked", [1, 2, 4, 5, 9])
def test_stopped_by_request(train, tmp_path, asked):
    """A request may come after an update or in the middle of a test."""
    whole, recorder = train(every=0)
    whole.solve()
    want, log = outcome(whole), recorder.log

    calls = []

    def stop():
        calls.append(1)
        return "stop" if len(calls) == asked else None

    stopped, _ = train(every=0, request=stop)
    stopped.solve()
    assert stopped.stopped
    at = stopped.iter
    assert at < 12
    stopped.close()
    resumed, again = train(every=0)
    resumed.solve(tmp_path / f"run_iter_{at}.solverstate")
    assert_equal(outcome(resumed), want)
    assert again.log == log[-len(again.log) :]


@pytest.mark.parametrize("asked", [1, 3, 8, 10, 11, 12])
def test_snapshot_by_request(train, tmp_path, asked):
    """A snapshot that is asked for, in a test too, changes nothing and can be resumed."""
    calls = []

    def snapshot():
        calls.append(1)
        return "snapshot" if len(calls) == asked else None

    whole, recorder = train(every=0, request=snapshot)
    whole.solve()
    plain, plain_recorder = train(every=0)
    plain.solve()
    want = outcome(plain)
    assert_equal(outcome(whole), want)
    assert recorder.log == plain_recorder.log
    saved = recorder.of(events.Snapshotted)[0]
    resumed, again = train(every=0)
    resumed.solve(saved.state)
    assert_equal(outcome(resumed), want)
    assert again.log == plain_recorder.log[-len(again.log) :]


def test_caffes_own_state_is_resumed_with_a_note(train, tmp_path, caplog):
    whole, _ = train()
    whole.step(4)
    whole.close()
    path = tmp_path / "run_iter_4.solverstate"
    state = schema.SolverState.FromString(path.read_bytes())
    state.DiscardUnknownFields()
    path.write_bytes(state.SerializeToString())
    resumed, recorder = train()
    with caplog.at_level("INFO", logger="caffe_lite"):
        resumed.restore(path)
    assert recorder.of(events.Restored) == [events.Restored(str(path), 4, exact=False)]
    assert "holds no data position and no random state" in caplog.text
    resumed.step(1)
    assert resumed.iter == 5
    resumed.close()


def test_layers_that_have_changed_are_told_and_passed_over(train, tmp_path, caplog):
    whole, _ = train()
    whole.step(3)
    whole.close()
    write_rows(tmp_path / "more.txt", 5, seed=3)
    with open(tmp_path / "train.txt", "a") as file:
        file.write((tmp_path / "more.txt").read_text())
    changed, recorder = train(
        net=NET.replace("dim: 1 dim: 3", "dim: 1 dim: 6").replace("batch_size: 3", "batch_size: 6")
    )
    changed.restore(tmp_path / "run_iter_3.solverstate")
    assert not recorder.of(events.Restored)[0].exact
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 3  # the data of the train net, the recurrent state of both test nets
    assert 'layer "data" (HDF5Data): the saved state is of 1 HDF5 files, the list now' in told[0]
    assert all('layer "lstm" (LSTM): the saved state is of 3 streams' in text for text in told[1:])
    changed.step(2)
    assert changed.iter == 5
    changed.close()


def test_state_of_another_kind_of_layer(train, tmp_path):
    solver, _ = train()
    problems = solver.set_state(
        {**solver.get_state(), "net": {"data": {"source": {"row": 1}}, "gone": {"rng": {}}}}
    )
    assert problems == ["layer \"data\": its saved state is of another kind of layer ('order')"]
    solver.close()


def test_a_changed_set_of_test_nets_is_no_obstacle(train, tmp_path):
    whole, _ = train()
    whole.step(3)
    whole.close()
    resumed, _ = train(window=5)
    del resumed.test_nets[1:]
    resumed.restore(tmp_path / "run_iter_3.solverstate")
    assert resumed.iter == 3
    resumed.close()
