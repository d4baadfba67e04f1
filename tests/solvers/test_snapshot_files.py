"""Snapshot files: the reference's are read, ours equal them, and others are refused in one line."""

import os
import shutil

import h5py
import numpy as np
import pytest

from caffe_lite.errors import CaffeError, ModelError, SolverError
from caffe_lite.proto import binary, schema
from caffe_lite.solvers import events
from caffe_lite.weights.solverstate import read_solverstate
from tests.solvers.solver_nets import (
    FILES,
    Recorder,
    make_solver,
    params,
    recorded_solver,
    set_inputs,
    set_params,
)

NAMES = ["adam", "nesterov", "sgd_inv", "lstm_sgd_clip"]
FORMATS = {"binary": ("", "BINARYPROTO"), "hdf5": (".h5", "HDF5")}


@pytest.fixture(params=FORMATS)
def file_format(request):
    """What the files' names end in, and the value of snapshot_format."""
    return FORMATS[request.param]


@pytest.mark.parametrize("name", NAMES)
def test_the_references_snapshot_is_restored(name, file_format, monkeypatch):
    end, _ = file_format
    monkeypatch.chdir(FILES)
    recorder = Recorder()
    solver, record = recorded_solver(name, listeners=[recorder])
    solver.restore(f"{name}_iter_12.solverstate{end}")
    assert (solver.iter, solver.current_step) == (12, 0)
    for key in record:
        if key.startswith("after/11/"):
            layer, i = key.split("/")[2:]
            np.testing.assert_array_equal(solver.net.params[layer][int(i)].data, record[key])
    stored = read_solverstate(f"{name}_iter_12.solverstate{end}").history
    assert len(stored) == len(solver.history) > 0
    for source, blob in zip(stored, solver.history, strict=True):
        np.testing.assert_array_equal(blob.data, source.array())
        assert blob.data.any()
    assert recorder.of(events.Restored) == [
        events.Restored(f"{name}_iter_12.solverstate{end}", 12, exact=False)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_training_goes_on_from_the_references_state(name, file_format, tmp_path):
    """From a state of iteration 12 and the weights before, the next update is the same as ours."""
    end, _ = file_format
    ours, record = recorded_solver(name)
    for iteration in range(12):
        set_inputs(ours, record, iteration)
        ours.step(1)
    restored, _ = recorded_solver(name)
    restored.restore(FILES / f"{name}_iter_12.solverstate{end}")
    for solver in (ours, restored):
        set_inputs(solver, record, 5)
        if "cont" in solver.net.blobs:
            solver.net.blobs["cont"].data[0] = 0  # the reference does not save recurrent state
        solver.step(1)
    for got, want in zip(params(restored), params(ours), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)


def written(name, file_format, tmp_path):
    """A snapshot of a solver that trained as the recorded one did."""
    end, value = file_format
    solver, record = recorded_solver(name, f" snapshot_format: {value}")
    solver.param.snapshot_prefix = str(tmp_path / name)
    for iteration in range(12):
        set_inputs(solver, record, iteration)
        solver.step(1)
    return solver, *solver.snapshot()


@pytest.mark.parametrize("name", NAMES)
def test_files_have_the_references_fields(name, tmp_path):
    _, weights, state = written(name, FORMATS["binary"], tmp_path)
    assert weights == str(tmp_path / f"{name}_iter_12.caffemodel")
    ours = binary.read(state, schema.SolverState)
    want = binary.read(FILES / f"{name}_iter_12.solverstate", schema.SolverState)
    assert ours.learned_net == weights
    ours.learned_net = want.learned_net
    for got, expected in zip(ours.history, want.history, strict=True):
        np.testing.assert_allclose(got.data, expected.data, rtol=1e-4, atol=1e-6)
        got.data[:] = expected.data
    ours.DiscardUnknownFields()
    assert ours == want
    ours = binary.read(weights, schema.NetParameter)
    want = binary.read(FILES / f"{name}_iter_12.caffemodel", schema.NetParameter)
    for layer, expected in zip(ours.layer, want.layer, strict=True):
        for got, blob in zip(layer.blobs, expected.blobs, strict=True):
            np.testing.assert_allclose(got.data, blob.data, rtol=1e-4, atol=1e-6)
            got.data[:] = blob.data
    assert ours == want


def described(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: found.__setitem__(
                name,
                (
                    (
                        node.dtype.str,
                        node.shape,
                        node.id.get_type().get_class(),
                        node.id.get_create_plist().get_layout(),
                    )
                    if isinstance(node, h5py.Dataset)
                    else ()
                ),
            )
        )
    return found


@pytest.mark.parametrize("name", NAMES)
def test_hdf5_files_have_the_references_datasets(name, tmp_path):
    _, weights, state = written(name, FORMATS["hdf5"], tmp_path)
    assert weights == str(tmp_path / f"{name}_iter_12.caffemodel.h5")
    for path in (weights, state):
        source = FILES / os.path.basename(path)
        got, want = described(path), described(source)
        if path == state:
            assert got.pop("learned_net")[1:3] == want.pop("learned_net")[1:3]
        assert got == want
        with h5py.File(path) as ours, h5py.File(source) as theirs:
            for key, kind in want.items():
                if kind:
                    np.testing.assert_allclose(ours[key][()], theirs[key][()], rtol=1e-4, atol=1e-6)
    with h5py.File(state) as file:
        learned_net = file["learned_net"]
        assert learned_net[()] == weights.encode()
        kind = learned_net.id.get_type()
        assert kind.get_size() == len(weights) + 1  # C string: its end is in the file
        assert kind.get_strpad() == h5py.h5t.STR_NULLTERM


def test_binary_state_begins_as_the_references(tmp_path):
    """What only this package reads comes last, so that nothing before it moves."""
    from caffe_lite.weights.solverstate import write_solverstate
    from caffe_lite.weights.stored import SolverState

    source = FILES / "adam_iter_12.solverstate"
    state = read_solverstate(source)
    arrays = [blob.array() for blob in state.history]
    solver, _ = recorded_solver("adam")
    extra = SolverState(12, state.learned_net, 0, extra={"position": 7})
    write_solverstate(tmp_path / "state", extra, solver.ops, arrays)
    content = (tmp_path / "state").read_bytes()
    assert content.startswith(source.read_bytes())
    assert read_solverstate(tmp_path / "state").extra == {"position": 7}


def test_extra_state_of_every_kind(tmp_path, file_format):
    from caffe_lite.weights.solverstate import write_solverstate
    from caffe_lite.weights.stored import SolverState

    solver, _ = recorded_solver("adam")
    extra = {
        "text": "\u00e4",
        "big": 2**127,
        "float": 0.1,
        "none": None,
        "flag": True,
        "nested": [{"array": np.arange(6).reshape(2, 3)}, [1, 2]],
        "large": np.arange(10000, dtype="u2"),
    }
    path = tmp_path / "state"
    write_solverstate(
        path,
        SolverState(3, None, 1, extra=extra),
        solver.ops,
        [np.ones((2, 3))],
        hdf5=file_format[1] == "HDF5",
    )
    state = read_solverstate(path)
    assert (state.iteration, state.learned_net, state.current_step) == (3, None, 1)
    np.testing.assert_array_equal(state.history[0].array(), np.ones((2, 3)))
    np.testing.assert_equal(state.extra, extra)


@pytest.mark.parametrize("end", ["", ".h5"])
def test_moved_folder(tmp_path, end):
    """The weights are found beside the state when the name in it leads nowhere."""
    for kind in ("caffemodel", "solverstate"):
        shutil.copy(FILES / f"adam_iter_12.{kind}{end}", tmp_path)
    solver, record = recorded_solver("adam")
    solver.restore(tmp_path / f"adam_iter_12.solverstate{end}")
    np.testing.assert_array_equal(solver.net.params["ip1"][0].data, record["after/11/ip1/0"])
    os.remove(tmp_path / f"adam_iter_12.caffemodel{end}")
    with pytest.raises(ModelError, match=r'its weights file "adam_iter_12.caffemodel\S*" is mis'):
        solver.restore(tmp_path / f"adam_iter_12.solverstate{end}")


def legacy(path, out):
    state = binary.read(path, schema.SolverState)
    for blob in state.history:
        dims = [1] * (4 - len(blob.shape.dim)) + list(blob.shape.dim)
        blob.ClearField("shape")
        blob.num, blob.channels, blob.height, blob.width = dims
    binary.write(out, state)


def test_history_in_legacy_shapes(tmp_path):
    shutil.copy(FILES / "adam_iter_12.caffemodel", tmp_path)
    legacy(FILES / "adam_iter_12.solverstate", tmp_path / "legacy.solverstate")
    solver, _ = recorded_solver("adam")
    solver.restore(tmp_path / "legacy.solverstate")
    want = read_solverstate(FILES / "adam_iter_12.solverstate").history
    for blob, source in zip(solver.history, want, strict=True):
        np.testing.assert_array_equal(blob.data, source.array())


@pytest.mark.parametrize(
    ("solver_name", "path", "says"),
    [
        ("adam", "adam_iter_12.caffemodel", "this holds weights, not a solver state"),
        ("adam", "adam_iter_12.caffemodel.h5", "this holds weights, not a solver state"),
        ("adam", "none.solverstate", "no such file"),
        ("adam", "dialect_v1.npz", "zip archive"),
        (
            "sgd_inv",
            "adam_iter_12.solverstate",
            'holds 8 history blobs, this net has 4 under type: "SGD"',
        ),
        (
            "adam",
            "sgd_inv_iter_12.solverstate.h5",
            'holds 4 history blobs, this net has 8 under type: "Adam"',
        ),
        (
            "shared_weights_sgd",
            "nesterov_iter_12.solverstate",
            "holds 4 history blobs, this net has 2",
        ),
        ("lstm_sgd_clip", "sgd_inv_iter_12.solverstate", "holds 4 history blobs, this net has 5"),
    ],
)
def test_states_that_do_not_fit(solver_name, path, says):
    solver, record = recorded_solver(solver_name)
    with pytest.raises(SolverError) as caught:
        solver.restore(FILES / path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(FILES / path))
    assert "\n" not in str(caught.value)
    assert solver.iter == 0
    set_params_unchanged(solver, record)


def set_params_unchanged(solver, record):
    before = params(solver)
    set_params(solver.net, record, "init")
    for got, want in zip(params(solver), before, strict=True):
        np.testing.assert_array_equal(got, want)


def test_state_of_another_net(tmp_path):
    state = binary.read(FILES / "sgd_inv_iter_12.solverstate", schema.SolverState)
    del state.history[0].data[:]
    state.history[0].data.extend(range(20))
    state.history[0].shape.dim[:] = [5, 4]
    binary.write(tmp_path / "x.solverstate", state)
    solver, _ = recorded_solver("sgd_inv")
    with pytest.raises(
        SolverError,
        match=r"history blob 0 is \(5, 4\), this net's learned blob "
        r"\(4, 5\): it was saved for another net",
    ):
        solver.restore(tmp_path / "x.solverstate")


def test_state_of_another_type_of_solver(tmp_path, file_format):
    _, _, state = written("nesterov", file_format, tmp_path)
    other, _ = recorded_solver("sgd_inv")
    with pytest.raises(SolverError, match='solver of type "Nesterov", this one is "SGD"'):
        other.restore(state)


@pytest.mark.parametrize("length", [3, 40, -5])
def test_state_cut_short(tmp_path, length, file_format):
    _, _, state = written("adam", file_format, tmp_path)
    with open(state, "rb") as file:
        content = file.read()
    with open(state, "wb") as file:
        file.write(content[:length])
    solver, _ = recorded_solver("adam")
    with pytest.raises(SolverError) as caught:
        solver.restore(state)
    assert str(caught.value).startswith(state)
    assert "\n" not in str(caught.value)


def test_damaged_extra_state(tmp_path, file_format):
    _, _, state = written("adam", file_format, tmp_path)
    with open(state, "rb") as file:
        content = file.read()
    with open(state, "wb") as file:
        file.write(content.replace(b"PK\x05\x06", b"PK\x05\x07"))
    solver, _ = recorded_solver("adam")
    with pytest.raises(SolverError, match="damaged"):
        solver.restore(state)


def test_extra_state_that_lacks_parts(tmp_path, file_format, monkeypatch):
    solver, _ = recorded_solver("adam", f" snapshot_format: {file_format[1]}")
    solver.param.snapshot_prefix = str(tmp_path / "adam")
    monkeypatch.setattr(type(solver), "get_state", lambda self: {"type": "Adam"})
    _, state = solver.snapshot()
    monkeypatch.undo()
    with pytest.raises(SolverError, match="its saved state lacks parts"):
        solver.restore(state)


@pytest.mark.parametrize("fails", ["weights", "state"])
def test_a_failure_while_writing_overwrites_nothing(tmp_path, file_format, fails, monkeypatch):
    solver, weights, state = written("adam", file_format, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    assert set(before) == {os.path.basename(weights), os.path.basename(state)}
    replace = os.replace

    def refuse(source, target):
        if ("caffemodel" in str(target)) == (fails == "weights"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    solver.net.params["ip1"][0].data[...] = 5
    with pytest.raises(
        CaffeError,
        match=f"{weights if fails == 'weights' else state}: cannot be "
        "written: No space left on device",
    ):
        solver.snapshot()
    monkeypatch.undo()
    assert set(os.listdir(tmp_path)) == set(before)
    kept = weights if fails == "weights" else state
    assert (tmp_path / os.path.basename(kept)).read_bytes() == before[os.path.basename(kept)]


def test_double_precision(tmp_path, file_format):
    _, value = file_format
    settings = f'base_lr: 0.1 lr_policy: "fixed" momentum: 0.5 snapshot_format: {value}'
    solver = make_solver(settings)
    solver.param.snapshot_prefix = str(tmp_path / "double")
    for blob in solver.net.learnable_params:
        blob.diff[...] = 1 / 3
    solver.apply_update()
    _, state = solver.snapshot()
    other = make_solver(settings)
    other.restore(state)
    for got, want in zip(
        [*params(other), *(blob.data for blob in other.history)],
        [*params(solver), *(blob.data for blob in solver.history)],
        strict=True,
    ):
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, want)


def test_gradients_in_the_weights_file(tmp_path):
    solver = make_solver('base_lr: 0.1 lr_policy: "fixed" snapshot_diff: true', dtype="float32")
    solver.param.snapshot_prefix = str(tmp_path / "diff")
    for blob in solver.net.learnable_params:
        blob.diff[...] = 3
    weights, _ = solver.snapshot()
    message = binary.read(weights, schema.NetParameter)
    assert [list(blob.diff) for layer in message.layer for blob in layer.blobs] == [
        [3.0] * count for count in (12, 4, 8, 2)
    ]
