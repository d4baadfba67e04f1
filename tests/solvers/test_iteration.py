"""What an iteration of a solver does around its gradients, and what its settings change."""

import numpy as np
import pytest

from caffe_lite.backend.gpu.cuda import OutOfDeviceMemoryError
from caffe_lite.errors import BackendError, SolverError
from caffe_lite.solvers import events
from tests.solvers.solver_nets import params

FIXED = 'base_lr: 0.01 lr_policy: "fixed" random_seed: 1 '


def test_gradients_add_up_over_iter_size(train):
    """Two batches of two rows are one of four; the loss is their mean."""
    halves, recorder = train(FIXED + "iter_size: 2 display: 1")
    whole, other = train(FIXED + "display: 1", batch=4)
    for solver in (halves, whole):
        solver.step(1)
        solver.close()
    for got, want in zip(params(halves), params(whole), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)
    assert recorder.events[0].loss == pytest.approx(other.events[0].loss, rel=1e-6)


def test_clipping_is_told_at_displayed_iterations(train):
    solver, recorder = train(FIXED + "clip_gradients: 0.125 display: 2")
    solver.step(3)
    told = recorder.of(events.GradientsClipped)
    assert [event.iteration for event in told] == [0, 2]
    assert all(event.norm * event.scale == pytest.approx(0.125, rel=1e-5) for event in told)
    solver.close()


def test_multistep_is_told(train):
    solver, recorder = train(
        'base_lr: 1e-3 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 display: 1'
    )
    solver.step(2)
    assert recorder.of(events.LearningRateStepped) == [events.LearningRateStepped(1, 1)]
    assert [event.learning_rate for event in recorder.of(events.IterationDisplayed)] == (
        pytest.approx([1e-3, 5e-4])
    )
    assert solver.current_step == 1
    solver.close()


def test_hooks_around_the_gradients(train):
    solver, _ = train(FIXED)
    calls = []
    solver.on_start.append(lambda: calls.append(("start", solver.iter)))

    def ready():
        calls.append(("gradients", solver.iter, bool(solver.net.params["ip"][0].diff.any())))

    solver.on_gradients_ready.append(ready)
    solver.step(2)
    assert calls == [("start", 0), ("gradients", 0, True), ("start", 1), ("gradients", 1, True)]
    solver.close()


def test_debug_info_at_displayed_iterations(train, caplog):
    solver, _ = train(FIXED + "display: 2 debug_info: true")
    with caplog.at_level("INFO", logger="caffe_lite"):
        solver.step(1)
        shown, first = caplog.text, list(caplog.records)
        caplog.clear()
        solver.step(1)
    assert "[Forward] Layer ip" in shown
    assert "[Backward] Layer ip" in shown
    assert "[Update]" not in shown  # Caffe 1.0 has the code for it, and never calls it
    (norms,) = (record for record in first if "All net params" in record.getMessage())
    assert norms.levelname == "ERROR"
    assert "[Forward]" not in caplog.text
    solver.close()


def test_solve_refuses_a_folder_that_is_not_there(train, tmp_path):
    solver, recorder = train(FIXED + "max_iter: 3")
    solver.param.snapshot_prefix = str(tmp_path / "none" / "run")
    with pytest.raises(SolverError, match='there is no folder ".*none"; make it first'):
        solver.solve()
    assert solver.iter == 0
    solver.param.snapshot_after_train = False
    solver.solve()
    assert solver.iter == 3
    solver.close()


@pytest.mark.parametrize(
    ("seeds", "same"), [((3, 3), True), ((0, 0), True), ((3, 4), False), ((-1, -1), False)]
)
def test_one_seed_one_run(train, seeds, same):
    runs = []
    for seed in seeds:
        solver, _ = train(f'base_lr: 0.1 lr_policy: "fixed" random_seed: {seed}')
        solver.step(2)
        runs.append(params(solver)[0])
        solver.close()
    assert np.array_equal(*runs) == same


def test_an_update_without_memory_tells_the_largest_blobs(train, monkeypatch):
    """The history is made by the first update."""
    solver, _ = train('base_lr: 0.1 lr_policy: "fixed"')

    def fail(shape, dtype=None):
        raise OutOfDeviceMemoryError(f"gpu:0: no memory for an array of shape {shape}")

    solver.net.forward()
    solver.net.backward()
    monkeypatch.setattr(solver.ops, "zeros", fail)
    with pytest.raises(BackendError, match=r"shape \(6,\); the net's largest blobs: data 2x"):
        solver.apply_update()
