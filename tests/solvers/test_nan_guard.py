"""What a solver does about a loss and weights that are not finite."""

import numpy as np
import pytest

from caffe_lite.errors import SolverError
from caffe_lite.solvers import events

FIXED = 'base_lr: 0.01 lr_policy: "fixed" random_seed: 1 display: 1 max_iter: 6 '


def spoil(solver, at):
    """A NaN in the first weights before iteration `at`."""

    def start():
        if solver.iter == at:
            solver.net.params["ip"][0].data[1, 2] = np.nan

    solver.on_start.append(start)


def test_stop_is_the_default(train, tmp_path, caplog):
    solver, recorder = train(FIXED + "snapshot: 2")
    spoil(solver, 3)
    with pytest.raises(SolverError) as error:
        solver.solve()
    solver.close()
    place = 'layer "ip" (InnerProduct), learned blob 0'
    assert str(error.value) == (
        f"solver: iteration 3: the loss is nan, first in {place}; training stopped, no snapshot is "
        f"taken of it, the last good one is {tmp_path}/run_iter_2.solverstate"
    )
    (event,) = recorder.of(events.LossNotFinite)
    assert (event.iteration, event.place) == (3, place)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "Iteration 3: the loss is nan; the first such value is in" in record.getMessage()
    assert "likely causes: " in record.getMessage()
    assert not recorder.of(events.SolvingDone)
    assert sorted(path.name for path in tmp_path.glob("run_*")) == [
        "run_iter_2.caffemodel",
        "run_iter_2.solverstate",
    ]


def test_warn_goes_on_without_snapshots(train, tmp_path, caplog):
    solver, recorder = train(FIXED + "snapshot: 2", on_nan="warn")
    spoil(solver, 3)
    solver.solve()
    solver.close()
    assert len(recorder.of(events.LossNotFinite)) == 1  # until it is finite again
    assert [event.iteration for event in recorder.of(events.SnapshotRefused)] == [4, 6]
    assert recorder.of(events.SolvingDone) and solver.iter == 6
    assert {path.stem for path in tmp_path.glob("run_*")} == {"run_iter_2"}
    assert f"no snapshot is taken, the last good one is {tmp_path}/run_iter_2" in caplog.text


def test_a_loss_that_recovers_is_reported_again(train):
    solver, recorder = train(FIXED, on_nan="warn", batch=1)
    weights = solver.net.params["ip"][0].data
    saved = weights.copy()
    for bad in (True, True, False, True):
        weights[...] = np.nan if bad else saved
        solver.net.params["ip"][1].data[...] = 0
        solver.step(1)
    solver.close()
    assert [event.iteration for event in recorder.of(events.LossNotFinite)] == [0, 3]


def test_ignore_saves_as_caffe_does_but_replaces_nothing(train, tmp_path, caplog):
    good = tmp_path / "run_iter_4.caffemodel"
    good.write_bytes(b"of an earlier run")
    solver, recorder = train(FIXED + "snapshot: 2", on_nan="ignore")
    spoil(solver, 1)
    solver.solve()
    solver.close()
    assert not recorder.of(events.LossNotFinite)
    assert [event.iteration for event in recorder.of(events.Snapshotted)] == [2, 6]
    assert good.read_bytes() == b"of an earlier run"
    assert "are not finite" in caplog.text


def test_weights_are_checked_where_nothing_is_displayed(train, tmp_path):
    solver, _ = train(FIXED.replace("display: 1", "") + "snapshot: 4")
    spoil(solver, 1)
    with pytest.raises(
        SolverError, match="iteration 4: the weights are not finite .*learned blob 0"
    ):
        solver.solve()
    solver.close()
    assert not list(tmp_path.glob("run_*"))


def test_a_history_that_is_not_finite(train):
    solver, _ = train(FIXED + "snapshot: 1 momentum: 0.5")
    solver.history[0].data[...] = np.inf
    solver.net.params_lr[:] = [0] * 2
    with pytest.raises(SolverError, match="not finite"):
        solver.solve()
    solver.close()


def test_a_script_may_save_what_it_wants_but_replaces_nothing(train, tmp_path, caplog):
    solver, _ = train(FIXED, on_nan="warn")
    solver.net.params["ip"][0].data[...] = np.nan
    weights, _ = solver.snapshot()
    assert "and are saved so in" in caplog.text
    assert solver.nan_guard.last_good is None
    with pytest.raises(SolverError, match="exists and is not replaced"):
        solver.snapshot()
    solver.net.params["ip"][0].data[...] = 1
    solver.snapshot()
    assert solver.nan_guard.last_good == f"{tmp_path}/run_iter_0.solverstate"
    solver.close()


def test_the_final_loss_is_checked(train, tmp_path):
    solver, _ = train(FIXED + "snapshot_after_train: true")

    def spoil_label(layer):
        if solver.iter == 6 and layer == 1:
            solver.net.blobs["label"].data.fill(np.nan)

    solver.net.before_forward.append(spoil_label)
    with pytest.raises(SolverError, match=r"iteration 6: the loss is nan.*run_iter_6\.solverstate"):
        solver.solve()
    solver.close()


def test_no_wait_for_the_device_between_displays(train, monkeypatch):
    """Only displays read the loss: nothing else brings an array to the host."""
    solver, _ = train(FIXED.replace("display: 1", "display: 3") + "snapshot_after_train: false")
    reads = []
    to_host = solver.ops.to_host

    def counted(array):
        reads.append(solver.iter)
        return to_host(array)

    monkeypatch.setattr(solver.ops, "to_host", counted)
    solver.step(6)
    solver.close()
    assert set(reads) == {0, 3}
