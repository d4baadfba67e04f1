"""A snapshot is one thing: a state and the weights that were saved with it, or an error."""

import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.errors import CaffeError, ModelError, SolverError
from caffe_lite.weights import checksum, payload
from caffe_lite.weights.solverstate import SolverState, read_solverstate, write_solverstate
from tests.solvers.solver_nets import (
    FILES,
    ROWS_NET,
    make_solver,
    params,
    recorded_solver,
    write_rows,
)

FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}
SETTINGS = 'base_lr: 0.1 lr_policy: "fixed" momentum: 0.5 random_seed: {} snapshot_format: {}'


@pytest.fixture(params=FORMATS)
def run(request, tmp_path, monkeypatch):
    """run(seed, prefix) -> a solver after 3 iterations; the working folder is tmp_path."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.txt", 11, seed=3)

    def make(seed=1, prefix="run", steps=3):
        settings = SETTINGS.format(seed, request.param) + f' snapshot_prefix: "{prefix}"'
        solver = make_solver(settings, ROWS_NET.format(folder=tmp_path), "float32")
        solver.step(steps)
        return solver

    return make


def everything(solver):
    """All that a snapshot restores, as something that == compares."""
    arrays = [*params(solver), *solver.updater.history_arrays()]
    return [solver.iter, solver.current_step, *(a.tobytes() for a in arrays), state_of(solver)]


def state_of(solver):
    return payload.dumps(solver.get_state())


def moved(folder, *paths):
    os.makedirs(folder, exist_ok=True)
    return [shutil.move(path, folder) for path in paths]


def test_the_states_own_folder_comes_first(run):
    """Run A is moved away, run B trains under the same prefix: A's state gets A's weights."""
    a = run(seed=1)
    want = params(a)
    _, state = moved("runA", *a.snapshot())
    run(seed=2).snapshot()
    resumed = run(seed=3, steps=0)
    resumed.restore(state)
    for got, expected in zip(params(resumed), want, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_weights_of_another_run_are_an_error(run):
    weights, state = run(seed=1).snapshot()
    (state,) = moved("elsewhere", state)
    run(seed=2).snapshot()  # overwrites the weights
    solver = run(seed=3, steps=1)
    before = everything(solver)
    with pytest.raises(SolverError) as caught:
        solver.restore(state)
    assert str(caught.value).startswith(f"{weights}: this is not the weights file that {state} was")
    assert "SHA-256" in str(caught.value) and "\n" not in str(caught.value)
    assert everything(solver) == before


def test_missing_weights_are_an_error(run):
    weights, state = run().snapshot()
    os.remove(weights)
    with pytest.raises(ModelError, match=f'its weights file "{weights}" is missing'):
        run().restore(state)


@pytest.mark.parametrize("which", ["weights", "state"])
def test_damage_is_found_and_changes_nothing(run, which):
    paths = dict(zip(("weights", "state"), run(seed=1).snapshot(), strict=True))
    with open(paths[which], "rb") as file:
        content = file.read()
    solver = run(seed=2, prefix="other", steps=1)
    before, rng = everything(solver), random.Random(2)
    for _ in range(150):
        changed = bytearray(content)
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        with open(paths[which], "wb") as file:
            file.write(changed)
        with pytest.raises(CaffeError) as caught:
            solver.restore(paths["state"])
        assert "\n" not in str(caught.value)
        assert str(paths[which]) in str(caught.value)
        assert everything(solver) == before


def test_a_state_of_a_newer_version_says_so(run, monkeypatch):
    for module in ("trailer", "hdf5_checksum"):
        monkeypatch.setattr(
            f"caffe_lite.weights.{module}.format_code", lambda: checksum.format_code(7)
        )
    solver = run()
    _, state = solver.snapshot()
    with pytest.raises(SolverError, match=r"newer version of caffe_lite \(format 7, this one re"):
        solver.restore(state)


def test_the_same_state_is_the_same_bytes(run, monkeypatch):
    solver, contents = run(), []
    for seconds in (0, 86_400 * 400):
        now = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda now=now: now)
        if seconds:
            time.sleep(1.1)  # HDF5's own stamps count seconds
        contents.append([Path(path).read_bytes() for path in solver.snapshot()])
    assert contents[0] == contents[1]


def test_a_state_without_names_of_weights_is_read(run):
    """As version 0.1 wrote it."""
    solver = run()
    weights, path = solver.snapshot()
    state = SolverState(3, weights, 0, extra=solver.get_state())
    write_solverstate(path, state, solver.ops, solver.updater.history_arrays(), "h5" in path)
    assert read_solverstate(path).weights is None
    other = run(seed=2)
    other.restore(path)
    assert everything(other) == everything(solver)


ODD = (
    None, True, -1, 0, 7, 2**40, 10**400, 1.5, float("nan"), float("inf"), "", "text", "\0", [], {},
    [1, "a", None], [[]], [{}], {"a": {}}, {"rng": {}}, {"source": {}}, np.zeros(3), np.array(2.0),
    np.zeros((0, 4), "int64"), np.array(["a"]), np.array([1 + 2j]), np.zeros(2, "M8[s]"),
)  # fmt: skip


def mutated(value, rng, depth=0):
    """A copy of a nested state with one to three places changed, dropped, added or exchanged."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        copy = dict(value) if isinstance(value, dict) else list(value)
        key = rng.choice(list(copy)) if isinstance(copy, dict) else rng.randrange(len(copy))
        roll = rng.random()
        if roll < 0.1:
            del copy[key]
        elif roll < 0.2 and isinstance(copy, dict):
            copy[rng.choice(["x", "rng", "stream", "source", "type", "weights"])] = rng.choice(ODD)
        elif roll < 0.3 and isinstance(copy, list):
            copy.append(rng.choice(ODD))
        else:
            copy[key] = mutated(copy[key], rng, depth + 1)
        return copy
    if isinstance(value, int) and rng.random() < 0.4:
        return rng.choice([value + 1, -value - 1, value * 2**33])
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "iuf":
        return rng.choice([value[:-1], value * 3, value.astype("float64"), value[None]])
    return rng.choice(ODD)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mutated_structures(run, tmp_path):
    """Whatever a state holds, restore raises our error and changes nothing, or it succeeds."""
    rng, source = random.Random(5), run(seed=1)
    weights, path = source.snapshot()
    history, extra = source.updater.history_arrays(), source.get_state()
    identity = read_solverstate(path).weights
    solver = run(seed=2, steps=1)
    before = everything(solver)
    refused = restored = 0
    for _ in range(400):
        changed = extra
        for _ in range(rng.randrange(1, 4)):
            if rng.random() < 0.6 and isinstance(changed, dict) and "net" in changed:
                changed = {**changed, "net": mutated(changed["net"], rng)}
            else:
                changed = mutated(changed, rng)
        arrays = list(history)
        if rng.random() < 0.1:
            arrays = rng.choice([arrays[1:], [*arrays, arrays[0]], [a[:1] for a in arrays]])
        state = SolverState(
            rng.choice([*[3] * 20, 0, -1, 2**31 - 1]),
            rng.choice([*[weights] * 20, "", "gone", "a\0b", None]),
            rng.choice([*[0] * 20, -5, 2**31 - 1]),
            extra=changed if isinstance(changed, dict) else {"type": changed},
            weights=rng.choice([identity, identity, None]),
        )
        write_solverstate(path, state, solver.ops, arrays, "h5" in path)
        try:
            solver.restore(path)
        except CaffeError as error:
            assert "\n" not in str(error), str(error)
            assert everything(solver) == before, str(error)
            refused += 1
        else:
            restored += 1
            solver.close()
            solver = run(seed=2, steps=1)
            assert everything(solver) == before
    assert refused > 100 and restored > 30, (refused, restored)


def test_unreadable_history_in_caffes_hdf5_changes_nothing(tmp_path):
    """Without a checksum, damage is found when the values are read: before anything changes."""
    import h5py

    for name in ("adam_iter_12.solverstate.h5", "adam_iter_12.caffemodel.h5"):
        shutil.copy(FILES / name, tmp_path)
    with h5py.File(tmp_path / "adam_iter_12.solverstate.h5", "r+") as file:
        values = file["history/7"][()]
        del file["history/7"]
        file.create_dataset("history/7", data=values, chunks=values.shape, fletcher32=True)
        where = file["history/7"].id.get_chunk_info(0).byte_offset
    with open(tmp_path / "adam_iter_12.solverstate.h5", "r+b") as raw:
        raw.seek(where)
        raw.write(b"\x7f")
    solver, _ = recorded_solver("adam")
    before = everything(solver)
    with pytest.raises(CaffeError, match="damaged HDF5 file"):
        solver.restore(tmp_path / "adam_iter_12.solverstate.h5")
    assert everything(solver) == before
