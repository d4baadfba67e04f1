"""The experiments: all their commands are understood, and a tiny rehearsal fills the table."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.cli.commands import parse
from caffe_lite.cli.reproduce import activity, captions, description, retrieval
from caffe_lite.cli.reproduce.predictions import read_predictions, write_batches
from caffe_lite.cli.reproduce.runner import run_plan
from caffe_lite.errors import DataError
from caffe_lite.lrcn.generate import Captions
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.proto.load import load_net, load_solver

ROOT = Path(__file__).resolve().parents[3]
EXPERIMENTS = {
    "activity": activity,
    "captions": captions,
    "retrieval": retrieval,
    "description": description,
}


@pytest.fixture(params=EXPERIMENTS)
def experiment(request):
    return EXPERIMENTS[request.param]


@pytest.mark.parametrize("quick", [False, True])
def test_commands_and_cells_fit(tmp_path, experiment, quick):
    plan = experiment.plan(tmp_path / "data", tmp_path / "out", quick, "none")
    names = [step.name for step in plan.steps]
    assert len(set(names)) == len(names) > 4
    assert bool(plan.needed) is not quick
    for step in plan.steps:
        if step.words:
            assert parse(step.words).run
    scored = {step.name for step in plan.steps if step.read is not None}
    assert scored == {cell.step for cell in plan.cells}
    assert sum(cell.paper is not None for cell in plan.cells) >= 1
    outputs = [step.output for step in plan.steps if step.output is not None]
    assert len(set(outputs)) == len(outputs)


@pytest.mark.parametrize("name", ["activity", "captions", "retrieval"])
def test_each_training_starts_from_what_the_last_one_leaves(tmp_path, name):
    experiment = EXPERIMENTS[name]
    plan = experiment.plan(tmp_path / "data", tmp_path / "out", False, None)
    named = {str(each.path) for each in plan.needed}
    for step in plan.steps:
        if step.words and step.words[0] == "train":
            start = step.words[step.words.index("--weights") + 1]
            assert start in named
            named.add(str(step.folder / _left(step)))
    used = [word for step in plan.steps for word in step.words if word.endswith(".caffemodel")]
    assert set(used) <= named


def _left(step):
    """The weights of a training step, from the solver that it writes."""
    if not (step.folder / "solver.prototxt").exists():
        step.folder.mkdir(parents=True, exist_ok=True)
        data = step.folder.parent / "h5_data"
        data.mkdir(exist_ok=True)
        (data / "vocabulary.txt").write_text("a\ndog\n")
        step.make()
    param = load_solver(step.folder / step.words[step.words.index("--solver") + 1])
    net = load_net(step.folder / param.net)
    predicts = [each.inner_product_param.num_output for each in net.layer if each.name == "predict"]
    assert predicts in ([], [3])
    return f"{param.snapshot_prefix}_iter_{param.max_iter}.caffemodel"


def test_activity_takes_every_split(tmp_path):
    plan = activity.plan(tmp_path, tmp_path / "out", False, None)
    fused = next(step for step in plan.steps if step.name == "classify lstm 1/3")
    args = parse(fused.words)
    assert [len(each) for each in (args.list, args.weights, args.flow_weights)] == [3, 3, 3]
    for split, names in enumerate(zip(args.list, args.weights, args.flow_weights, strict=True), 1):
        assert all(f"/split{split}/" in name for name in names)
    assert "_70000.caffemodel" in args.flow_weights[0] and "rgb" in args.weights[0]


@pytest.mark.parametrize("name", ["captions", "description"])
def test_a_tiny_rehearsal_fills_the_table(tmp_path, name):
    plan = EXPERIMENTS[name].plan(tmp_path, tmp_path / "out", True, None, shrink=50)
    run_plan(plan, tmp_path / "out")
    table = (tmp_path / "out" / "table.md").read_text()
    paper = {"captions": r"0\.934 / \d\.\d{3}", "description": r"28\.8 / \d+\.\d"}[name]
    assert re.search(rf"\| - / \d+\.\d \|.*\| {paper} \|", table), table
    done = json.loads((tmp_path / "out" / "state.json").read_text())["done"]
    assert list(done) == [step.name for step in plan.steps]


def test_a_killed_rehearsal_continues_its_training(tmp_path):
    """The process and its step end without a chance to save; the next run goes on from there."""
    command = [sys.executable, "-m", "caffe_lite", "lrcn", "reproduce", "description", "--quick"]
    command += ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    folder = tmp_path / "out" / "labels"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as first:
        while not list(folder.glob("*_iter_200.solverstate")) and first.poll() is None:
            time.sleep(0.02)
        first.terminate()
        assert first.wait(60) == 128 + signal.SIGTERM
    done = json.loads((tmp_path / "out" / "state.json").read_text())["done"]
    assert list(done) == ["moving digits", "prepare train, labels", "prepare val, labels"]
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert "step 4 of 11" in again.stdout and "step 3 of" not in again.stdout
    log = (tmp_path / "out" / "log.txt").read_text()
    assert re.search(r"Restoring|[Rr]esuming", log)
    assert "| LSTM decoder, labels |" in again.stdout


def test_labels_are_the_largest_probabilities():
    rows = np.array([[0.1, 0.5, 0.2, 0.3, 0.4, 0.0]], np.float32)
    np.testing.assert_array_equal(description.largest(rows), [[0, 1, 1, 1, 1, 0]])


def test_predictions_follow_their_sentences(tmp_path):
    videos = [{"id": n, "file_name": f"v{n}"} for n in range(5)]
    words = "alpha beta gamma delta omega".split()
    said = [{"image_id": n, "caption": f"{words[n]} {w}"} for n in range(5) for w in words]
    (tmp_path / "train.json").write_text(json.dumps({"images": videos, "annotations": said}))
    np.save(tmp_path / "p.npy", np.eye(5, 7))
    net = Captions(layers=1, is_factored=False, data=str(tmp_path / "h5"), buffer=3, steps=4)
    write_batches(net, "train", tmp_path / "train.json", tmp_path / "p.npy")
    folder = tmp_path / "h5" / "train_aligned_4_batches"
    vocabulary = Vocabulary.read(tmp_path / "h5" / "vocabulary.txt")
    with (
        h5py.File(folder / "predictions.h5") as predictions,
        h5py.File(folder / "batch_0.h5") as sentences,
    ):
        rows, targets = predictions["predictions"][:], sentences["target_sentence"][:]
    assert rows.shape == (27, 7) and targets.shape == (36, 3)
    for i, row in enumerate(rows):
        first = targets[i // 3 * 4, i % 3]
        assert vocabulary.decode([int(first)]) == [words[int(row.argmax())]]


def test_predictions_must_fit_the_videos(tmp_path):
    content = {"images": [{"id": 1, "file_name": "v"}], "annotations": []}
    (tmp_path / "train.json").write_text(json.dumps(content))
    np.save(tmp_path / "p.npy", np.eye(2))
    with pytest.raises(DataError, match=r"p\.npy: has 2 rows for the 1 videos of .*train\.json"):
        write_batches(Captions(), "train", tmp_path / "train.json", tmp_path / "p.npy")
    for wrong in (b"", b"text"):
        (tmp_path / "p.npy").write_bytes(wrong)
        with pytest.raises(DataError, match="cannot be read as an array of numbers"):
            read_predictions(tmp_path / "p.npy")
    np.save(tmp_path / "p.npy", np.arange(3))
    with pytest.raises(DataError, match=r"has no array of numbers \(videos, labels\)"):
        read_predictions(tmp_path / "p.npy")


def test_missing_data_is_reported_at_the_start(tmp_path, capsys):
    command = ["lrcn", "reproduce", "activity", "--data", str(tmp_path)]
    assert main(command) == 1
    assert list(tmp_path.iterdir()) == []
    line = capsys.readouterr().err
    assert "missing data" in line and "UCF-101 (UCF101.rar from https://www.crcv.ucf.edu" in line
    assert "convnet.caffemodel" in line and line.count("\n") == 1


def test_a_wrong_folder_is_reported(tmp_path, capsys):
    command = ["lrcn", "reproduce", "captions", "--data", str(tmp_path / "absent")]
    assert main(command) == 2
    assert "is not a folder" in capsys.readouterr().err
