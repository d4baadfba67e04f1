"""The experiments: all their commands are understood, and a tiny rehearsal fills the table."""

import json
import re

import pytest

from caffe_lite.cli import main
from caffe_lite.cli.commands import parse
from caffe_lite.cli.reproduce import activity, captions, retrieval
from caffe_lite.cli.reproduce.runner import run_plan
from caffe_lite.proto.load import load_net, load_solver

EXPERIMENTS = {"activity": activity, "captions": captions, "retrieval": retrieval}


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


def test_each_training_starts_from_what_the_last_one_leaves(tmp_path, experiment):
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


def test_a_tiny_rehearsal_fills_the_table(tmp_path):
    plan = captions.plan(tmp_path, tmp_path / "out", True, None, shrink=50)
    run_plan(plan, tmp_path / "out")
    table = (tmp_path / "out" / "table.md").read_text()
    assert re.search(r"\| - / \d+\.\d \|.*\| 0\.934 / \d\.\d{3} \|", table), table
    done = json.loads((tmp_path / "out" / "state.json").read_text())["done"]
    assert list(done) == [step.name for step in plan.steps]


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
