"""When a solver tests, displays and snapshots, and what it tells its listeners."""

import os

import numpy as np
import pytest

from caffe_lite.solvers import events


def story(recorder):
    """The events in short."""
    short = {
        events.IterationDisplayed: lambda e: f"display {e.iteration}",
        events.IterationDone: lambda e: f"done {e.iteration}",
        events.TestStarted: lambda e: f"test {e.iteration} #{e.test_index}",
        events.TestDone: lambda e: f"tested #{e.test_index}",
        events.TestInterrupted: lambda e: f"interrupted #{e.test_index}",
        events.Snapshotting: lambda e: f"saving {e.what}",
        events.Snapshotted: lambda e: f"saved {e.iteration}",
        events.FinalLoss: lambda e: f"final {e.iteration}",
        events.SolvingDone: lambda e: "stopped" if e.early else "end",
        events.SolvingStarted: lambda e: f"start {e.iteration}",
        events.LearningRateStepped: lambda e: f"step {e.step}",
        events.Restored: lambda e: f"restored {e.iteration}",
    }
    return [short[type(event)](event) for event in recorder.events if type(event) in short]


FIXED = 'base_lr: 0.01 lr_policy: "fixed" random_seed: 1 '
SAVED = ["saving weights", "saving state"]


def test_order_of_events(train):
    solver, recorder = train(
        FIXED + "max_iter: 4 display: 2 test_iter: 1 test_iter: 2 test_interval: 2 snapshot: 3"
    )
    solver.solve()
    solver.close()
    assert story(recorder) == [
        "start 0",
        "test 0 #0",
        "tested #0",
        "test 0 #1",
        "tested #1",
        "display 0",
        "done 1",
        "done 2",
        "test 2 #0",
        "tested #0",
        "test 2 #1",
        "tested #1",
        "display 2",
        "done 3",
        *SAVED,
        "saved 3",
        "done 4",
        *SAVED,
        "saved 4",
        "final 4",
        "test 4 #0",
        "tested #0",
        "test 4 #1",
        "tested #1",
        "end",
    ]


def test_no_first_test_no_last_snapshot(train, tmp_path):
    solver, recorder = train(
        FIXED + "max_iter: 3 test_iter: 1 test_interval: 2 snapshot: 2 "
        "test_initialization: false snapshot_after_train: false"
    )
    solver.solve()
    solver.close()
    assert story(recorder) == [
        "start 0",
        "done 1",
        "done 2",
        *SAVED,
        "saved 2",
        "test 2 #0",
        "tested #0",
        "done 3",
        "end",
    ]
    assert sorted(path for path in os.listdir(tmp_path) if path.startswith("run")) == [
        "run_iter_2.caffemodel",
        "run_iter_2.solverstate",
    ]


def test_last_snapshot_is_not_written_twice(train):
    solver, recorder = train(FIXED + "max_iter: 2 snapshot: 2")
    solver.solve()
    assert story(recorder) == ["start 0", "done 1", "done 2", *SAVED, "saved 2", "end"]
    recorder.events.clear()
    solver.solve()
    solver.close()
    assert story(recorder) == ["start 2", "end"]


def test_stop_in_a_test(train):
    answers = iter([None, None, "snapshot", "stop"])
    solver, recorder = train(
        FIXED + "max_iter: 9 test_iter: 1 test_iter: 3 test_interval: 2 "
        "test_initialization: false display: 3 snapshot: 5",
        request=lambda: next(answers, None),
    )
    solver.solve()
    solver.close()
    assert story(recorder) == [
        "start 0",
        "display 0",
        "done 1",
        "done 2",
        "test 2 #0",
        *SAVED,
        "saved 2",
        "interrupted #0",
        *SAVED,
        "saved 2",
        "stopped",
    ]
    assert solver.stopped


def test_stop_and_snapshot_after_an_iteration(train):
    answers = iter([None, "snapshot", None, None, "stop"])
    solver, recorder = train(FIXED + "max_iter: 9", request=lambda: next(answers, None))
    solver.solve()
    assert story(recorder) == [
        "start 0",
        "done 1",
        "done 2",
        *SAVED,
        "saved 2",
        "done 3",
        "done 4",
        *SAVED,
        "saved 4",
        "stopped",
    ]
    solver.step(1)
    assert solver.iter == 5
    assert not solver.stopped
    solver.close()


def test_loss_is_averaged_over_the_last_iterations(train):
    settings = FIXED + "max_iter: 7 display: 1 test_interval: 0 "
    losses = {}
    for window in (1, 3, 100):
        solver, recorder = train(settings + f"average_loss: {window}")
        solver.solve()
        losses[window] = [
            event.loss for event in recorder.of(events.IterationDisplayed, events.FinalLoss)
        ]
        solver.close()
    plain = losses[1]
    assert len(plain) == 8
    assert len(set(plain)) == 8
    for window in (3, 100):
        want = [np.mean(plain[max(0, i + 1 - window) : i + 1]) for i in range(8)]
        assert losses[window] == pytest.approx(want, rel=1e-6)


def test_each_step_starts_a_new_average(train):
    solver, recorder = train(FIXED + "display: 1 average_loss: 5")
    solver.step(2)
    solver.step(1)
    plain = [2 * event.outputs[0].value for event in recorder.of(events.IterationDisplayed)]
    shown = [event.loss for event in recorder.of(events.IterationDisplayed)]
    assert shown == pytest.approx([plain[0], (plain[0] + plain[1]) / 2, plain[2]], rel=1e-6)
    solver.close()


def test_outputs_of_a_display(train):
    solver, recorder = train(FIXED + "display: 1")
    solver.step(1)
    (shown,) = recorder.of(events.IterationDisplayed)
    loss = float(solver.net.blobs["loss"].data)
    label = solver.net.blobs["label"].data
    assert shown.outputs == (
        events.Output(0, "loss", loss, 2.0),
        *(
            events.Output(1 + i, "twice", float(2 * value), 0.0)
            for i, value in enumerate(label.ravel())
        ),
    )
    assert shown.loss == pytest.approx(2 * loss)
    assert shown.learning_rate == pytest.approx(0.01)
    solver.close()


def test_test_scores_are_means_over_batches(train):
    solver, recorder = train(FIXED + "test_iter: 3 test_interval: 1 test_compute_loss: true")
    solver.test_all()
    other, _ = train(FIXED + "test_iter: 3 test_interval: 1")
    net = other.test_nets[0]
    net.share_trained_layers_with(solver.net)
    losses, doubles = [], []
    for _ in range(3):
        net.forward()
        losses.append(float(net.blobs["loss"].data))
        doubles.append(net.blobs["twice"].data.copy())
    (done,) = recorder.of(events.TestDone)
    assert done.batches == 3
    assert done.loss == pytest.approx(2 * np.mean(losses), rel=1e-6)
    assert [output.name for output in done.outputs] == ["loss"] + ["twice"] * 4
    assert done.outputs[0].value == pytest.approx(np.mean(losses), rel=1e-6)
    assert [output.value for output in done.outputs[1:]] == pytest.approx(
        np.mean(doubles, axis=0).ravel(), rel=1e-6
    )
    solver.close()
    other.close()


def test_test_nets_see_the_trained_weights(train):
    solver, _ = train(FIXED + "test_iter: 1 test_interval: 10")
    mine, theirs = solver.net.params["ip"][0], solver.test_nets[0].params["ip"][0]
    assert mine.data is not theirs.data
    assert np.shares_memory(mine.data, theirs.data)
    solver.step(1)
    np.testing.assert_array_equal(mine.data, theirs.data)
    solver.close()


def test_weights_put_elsewhere_are_tested_too(train):
    solver, recorder = train(FIXED + "test_iter: 1 test_interval: 10")
    other, _ = train(FIXED.replace("random_seed: 1", "random_seed: 2"))
    solver.net.share_trained_layers_with(other.net)
    solver.test_all()
    np.testing.assert_array_equal(
        solver.test_nets[0].params["ip"][0].data, other.net.params["ip"][0].data
    )
    solver.close()
    other.close()


def test_iterations_since_the_last_display(train):
    solver, recorder = train(FIXED + "display: 2")
    solver.step(3)
    solver.step(2)
    shown = recorder.of(events.IterationDisplayed)
    assert [(event.iteration, event.iterations) for event in shown] == [(0, 0), (2, 2), (4, 1)]
    assert all(event.seconds > 0 for event in shown)
    solver.close()


def test_no_test_batches_give_no_scores(train):
    solver, recorder = train(FIXED + "test_iter: 0 test_interval: 1 test_compute_loss: true")
    solver.test_all()
    assert recorder.of(events.TestDone)[0].outputs == ()
    assert recorder.of(events.TestDone)[0].loss is None
    solver.close()
