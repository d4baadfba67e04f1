"""The LRCN benchmark in miniature: every net of prototxt/lrcn trains, and every table is filled."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.proto.load import load_net, load_solver
from caffe_lite.solvers import events, get_solver

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = ROOT / "benchmarks" / "lrcn"
SOLVERS = sorted((ROOT / "prototxt" / "lrcn").glob("*/solver*.prototxt"))


@pytest.fixture(scope="module")
def data():
    spec = importlib.util.spec_from_file_location("lrcn_benchmark_data", BENCHMARK / "data.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """The folder that a rehearsal on even fewer clips and iterations leaves."""
    folder = tmp_path_factory.mktemp("lrcn")
    script = (
        "import run; run.QUICK, run.QUICK_SHARE = run.data.Sizes(40, 100, 100), 1 / 1000; "
        "run.main()"
    )
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        script,
        "--quick",
        "--seeds",
        "1",
        "--work",
        folder,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{BENCHMARK}"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "results.md").read_text() in done.stdout
    assert "1 seed, each" in done.stdout and "0.00 processor minutes" not in done.stdout
    return folder


def test_every_table_is_filled(rehearsal):
    (run,) = json.loads((rehearsal / "results.json").read_text())["runs"]
    rows = {table: (len(found), len(next(iter(found.values())))) for table, found in run.items()}
    assert rows == {
        "activity": (2, 4),
        "semantics": (1, 4),
        "captions": (3, 6),
        "retrieval": (6, 4),
        "description": (3, 6),
    }
    values = [v for table in run.values() for row in table.values() for v in row.values()]
    assert np.isfinite(values).all() and min(values) >= 0


@pytest.mark.parametrize("path", SOLVERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_solvers_test_their_trained_nets(rehearsal, path):
    param = load_solver(path)
    net = load_net(ROOT / param.net)
    for layer in net.layer:
        data = layer.hdf5_data_param
        data.source = data.source.replace("data/lrcn/", f"{rehearsal}/")
    param.ClearField("net")
    param.net_param.CopyFrom(net)
    param.test_iter[:] = [1]
    trained = rehearsal / f"{param.snapshot_prefix}.caffemodel"
    param.weights.append(str(trained))
    outputs = []

    def listen(event):
        if isinstance(event, events.TestDone):
            outputs.extend(event.outputs)
        if isinstance(event, events.WeightsCopied):
            assert "not in the" not in event.report  # neither in the file nor in the net

    with get_solver(param, get_ops(), listeners=[listen]) as solver:
        solver.test_all()
    accuracies = [output.value for output in outputs if "accuracy" in output.name]
    assert accuracies and all(0 <= value <= 1 for value in accuracies)


def test_shaken_flow_leads_each_pixel_to_the_next_frame(data):
    clips = data.make_clips(10, 5)
    shaken = data.Shaken(clips, 2)
    flow = shaken.flow(slice(0, 10))
    steady = clips.flow(slice(0, 10))
    moved = 0
    for n in range(10):
        for t in range(16):
            dx, dy = shaken.shift[n, t]
            camera = shaken.shift[n, t + 1] - shaken.shift[n, t]
            for y, x in ((12, 14), (16, 16), (20, 9)):  # of the steady clip
                at = shaken.frames[n, t, y + dy, x + dx], flow[n, t, y + dy, x + dx]
                assert at[0] == clips.frames[n, t, y, x]
                wanted = steady[n, t, y, x] + camera * bool(at[0])
                np.testing.assert_allclose(at[1], wanted, rtol=1e-6)
                moved += bool(at[0]) and bool(camera.any())
    assert moved > 50


def test_references_hold_both_ways_to_say_it(data):
    clips = data.make_clips(60, 1)
    both = data.references(clips)
    assert [true[0] for true in both] == clips.captions
    for caption, true in zip(clips.captions, both, strict=True):
        words = caption.split()
        for one, other in (("above", "below"), ("below", "above")):
            if one in words:
                place = words.index(one)
                turned = [*words[place + 1 :], *words[2:place], other, *words[:2]]
                assert true[1:] == [" ".join(turned)]
                break
        else:
            assert len(true) == 1


def test_predictions_are_written_as_the_nets_read_them(data, tmp_path):
    import h5py

    rng = np.random.default_rng(0)
    predicted = {role: rng.dirichlet(np.ones(n), 100) for role, n in data.ROLES.items()}
    data.write_predictions(tmp_path, "p", predicted)
    with h5py.File(tmp_path / "p.h5") as file, h5py.File(tmp_path / "p_tuples.h5") as tuples:
        assert file["prob"].shape == file["max"].shape == (100, 35)
        np.testing.assert_allclose(file["prob"][7, 10:20], predicted["motion"][7], rtol=1e-6)
        assert tuples["input_tuple"].shape == tuples["cont_tuple"].shape == (8, 50)
        clip = 63  # the 14th of the second batch
        ids = tuples["input_tuple"][4:, 13].astype(int)
        np.testing.assert_array_equal(np.flatnonzero(file["max"][clip]), ids)
        assert ids[3] == 24 + predicted["object"][clip].argmax()
        np.testing.assert_array_equal(tuples["cont_tuple"][4:, 13], [0, 1, 1, 1])


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_solvers_test_whole_test_sets(solver):
    param = load_solver(solver)
    net = load_net(ROOT / param.net)
    sizes = {
        layer.hdf5_data_param.batch_size
        for layer in net.layer
        if layer.type == "HDF5Data" and "test.txt" in layer.hdf5_data_param.source
    }
    clips = {320: 20, 50: 50}
    assert {clips[size] * param.test_iter[0] for size in sizes} <= {500}
    assert param.snapshot_prefix
