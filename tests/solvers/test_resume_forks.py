"""Policies of Caffe's forks, with states of their own, in runs that are stopped and resumed."""

import h5py
import numpy as np
import pytest

from caffe_lite.errors import SolverError
from caffe_lite.proto.wire import FIXED32, VARINT, tag_bytes
from caffe_lite.solvers.plateau import Plateau, is_plateau_state
from caffe_lite.weights.solverstate import read_solverstate
from tests.solvers.solver_nets import ROWS_NET, make_solver, params, write_rows

SETTINGS = (
    "base_lr: 0.125 gamma: 0.5 momentum: 0.5 weight_decay: 0.03125 average_loss: 3 max_iter: 12 "
    'random_seed: 7 snapshot: 1 snapshot_prefix: "{folder}/run" display: 1 '
)
DIALECTS = {
    "plateau": 'lr_policy: "plateau" plateau_winsize: 1 plateau_winsize: 2 plateau_winsize: 2',
    "turbo": 'lr_policy: "fixed" larc: true larc_turbo: true larc_eta: 0.5',
    "nvidia": 'lr_policy: "poly" power: 2 min_lr: 0.01 rampup_interval: 4 momentum_policy: "opt" '
    'weight_decay_policy: "poly" max_weight_decay: 0.25 larc: true larc_policy: "clip"',
    "intel": 'lr_policy: "multifixed" stagelr: 0.125 stageiter: 5 stagelr: 0.0625 stageiter: 9 '
    "warmup_iter: 4 local_lr_auto: true",
    "happynear": 'lr_policy: "fixed" clip_weights: 1 clamp_weights_upper: 0.25',
}


def solver_in(folder, dialect, extra="", dtype="float64"):
    settings = SETTINGS.format(folder=folder) + DIALECTS[dialect] + extra
    return make_solver(settings, ROWS_NET.format(folder=folder), dtype)


def outcome(solver):
    arrays = params(solver) + [blob.data.copy() for blob in solver.history]
    return [*arrays, np.array([solver._rate, solver.current_step])]


@pytest.fixture
def rows(tmp_path):
    write_rows(tmp_path / "rows.txt", 22, seed=1)
    return tmp_path


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("dtype", "file_format"), [("float32", "HDF5"), ("float64", "BINARYPROTO")]
)
def test_from_every_snapshot(rows, dialect, dtype, file_format):
    extra = f" snapshot_format: {file_format}"
    with solver_in(rows, dialect, extra, dtype) as whole:
        whole.solve()
        want, plateau = outcome(whole), whole.plateau
    if dialect == "plateau":
        assert whole.current_step == 3  # all steps are taken, at different iterations
    end = ".h5" if file_format == "HDF5" else ""
    for stop in (1, 4, 7):
        with solver_in(rows, dialect, extra, dtype) as resumed:
            resumed.solve(rows / f"run_iter_{stop}.solverstate{end}")
            assert resumed.plateau == plateau
            for a, b in zip(outcome(resumed), want, strict=True):
                np.testing.assert_array_equal(a, b)


def test_the_fields_of_a_binary_state_are_those_of_ssds_caffe(rows):
    with solver_in(rows, "plateau") as solver:
        solver.solve()
        state = read_solverstate(rows / "run_iter_12.solverstate")
        assert state.minimum_loss == np.float32(solver.plateau.minimum_loss)
        assert state.iter_last_event == solver.plateau.last_event > 0
    data = (rows / "run_iter_12.solverstate").read_bytes()
    stored = np.float32(state.minimum_loss).tobytes()
    assert tag_bytes(5, FIXED32) + stored + tag_bytes(6, VARINT) in data


def test_the_fields_of_an_hdf5_state_are_those_of_ssds_caffe(rows):
    with solver_in(rows, "plateau", " snapshot_format: HDF5") as solver:
        solver.solve()
    with h5py.File(rows / "run_iter_12.solverstate.h5") as file:
        assert file["minimum_loss"][:].tolist() == [solver.plateau.minimum_loss]
        assert file["iter_last_event"][:].tolist() == [solver.plateau.last_event]
        assert file["iter_last_event"].dtype == np.int32


@pytest.mark.parametrize("file_format", ["BINARYPROTO", "HDF5"])
def test_a_state_of_ssds_caffe_brings_its_lowest_loss(rows, monkeypatch, file_format):
    monkeypatch.setattr("caffe_lite.weights.solverstate.packed_extra", lambda state: b"")
    monkeypatch.setattr("caffe_lite.weights.hdf5_state.packed_extra", lambda state: b"")
    extra = f" snapshot_format: {file_format}"
    with solver_in(rows, "plateau", extra) as solver:
        solver.solve()
    with solver_in(rows, "plateau", extra) as resumed:
        end = ".h5" if file_format == "HDF5" else ""
        resumed.restore(rows / f"run_iter_12.solverstate{end}")
        assert resumed.plateau.last_event == solver.plateau.last_event
        assert resumed.plateau.minimum_loss == pytest.approx(solver.plateau.minimum_loss, rel=1e-6)
        assert resumed.current_step == solver.current_step


def test_other_policies_write_no_lowest_loss(rows):
    with solver_in(rows, "turbo") as solver:
        solver.solve()
    assert read_solverstate(rows / "run_iter_12.solverstate").minimum_loss is None


@pytest.mark.parametrize(
    "state",
    [
        {},
        [],
        {"minimum_loss": "1", "last_event": 2},
        {"minimum_loss": 1.0, "last_event": 2.0},
        {"minimum_loss": 1.0, "last_event": 2**40},
        {"minimum_loss": 1.0, "last_event": 2, "more": 3},
    ],
)
def test_states_that_are_none(state):
    assert not is_plateau_state(state)
    assert is_plateau_state(Plateau(1.5, 3).state)


@pytest.mark.parametrize("correlations", [["x"], 3, [1.0]])  # of two blobs
def test_correlations_that_are_none(rows, monkeypatch, correlations):
    with solver_in(rows, "turbo") as solver:
        state = solver.get_state()
        monkeypatch.setattr(solver, "get_state", lambda: {**state, "correlations": correlations})
        solver.step(1)
        with pytest.raises(SolverError, match="correlations"):
            solver.restore(rows / "run_iter_1.solverstate")
