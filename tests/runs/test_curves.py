"""Curves of logs, and the pictures of them."""

import json
from math import isnan

import pytest

from caffe_lite.cli import main
from caffe_lite.runs import draw
from caffe_lite.runs.curves import read_run
from tests.runs.logs import LOG

EVENTS = [
    {"event": "start", "time": 100.0},
    {"event": "test", "time": 101.5, "iteration": 0, "test_index": 0,
     "outputs": {"accuracy": [0.125], "loss": [2.5]}, "loss_weights": {"loss": 1}},
    {"event": "train", "time": 102.5, "iteration": 0, "loss": 2.25, "learning_rate": 0.01,
     "outputs": {"loss": [2.0]}, "loss_weights": {"loss": 1}},
    {"event": "snapshot", "time": 103},
    {"event": "train", "time": 112.5, "iteration": 10, "loss": 1.5, "learning_rate": 0.005,
     "outputs": {"loss": [1e-5]}, "loss_weights": {"loss": 1}},
    {"event": "test", "time": 123.5, "iteration": 20, "test_index": 0,
     "outputs": {"accuracy": [0.75], "loss": [0.5]}, "loss_weights": {"loss": 1}},
    {"event": "train", "time": 124.5, "iteration": 20, "loss": "NaN", "learning_rate": 0.0025,
     "outputs": {"loss": ["NaN"]}, "loss_weights": {"loss": 1}},
    {"event": "final_loss", "time": 132.5, "iteration": 30, "loss": 0.25},
]  # fmt: skip


@pytest.fixture(params=["text", "json"])
def log(request, tmp_path):
    path = tmp_path / ("train.log" if request.param == "text" else "train.jsonl")
    lines = "".join(json.dumps(event) + "\n" for event in EVENTS)
    path.write_text(LOG if request.param == "text" else lines)
    return path


def test_curves(log):
    run = read_run(log)
    train = run.curves["train loss"]
    assert train.iterations == [0, 10, 20, 30]
    assert train.seconds == pytest.approx([2.5, 12.5, 24.5, 32.5], abs=1e-4)
    assert train.values[:2] == [2.25, 1.5] and isnan(train.values[2]) and train.values[3] == 0.25
    assert run.curves["test loss"].values == [2.5, 0.5]
    assert run.curves["test: accuracy"].seconds == [1.5, 23.5]
    assert run.curves["learning rate"].values == [0.01, 0.005, 0.0025]
    assert run.curves["train loss"].iterations == [0, 10, 20, 30]
    assert run.scores == ["test: accuracy"]


def test_a_resumed_run_replaces_what_came_after_its_start(log):
    text = log.read_text()
    lines = text.splitlines(True)
    again = [line for line in lines if "Iteration 10" in line or '"iteration": 10' in line]
    log.write_text(text + "".join(again).replace("1.5", "1.25"))
    assert read_run(log).curves["train loss"].values == [2.25, 1.25]


def test_several_test_nets_and_losses(tmp_path):
    test = (
        "I0101 00:00:20.000000  7 solver.cpp:1] Iteration 20, Testing net (#1)\n"
        "I0101 00:00:21.000000  7 solver.cpp:1]     Test net output #0: accuracy = 0.5\n"
        "I0101 00:00:22.000000  7 solver.cpp:1] Iteration 40, Testing net (#0)\n"
        "I0101 00:00:23.000000  7 solver.cpp:1]     Test net output #0: a = 3 (* 1 = 3 loss)\n"
        "I0101 00:00:23.000000  7 solver.cpp:1]     Test net output #1: b = 2 (* 0.5 = 1 loss)\n"
        "I0101 00:00:23.000000  7 solver.cpp:1]     Test net output #2: map = 0.25\n"
    )
    (tmp_path / "x.log").write_text(LOG + test)
    run = read_run(tmp_path / "x.log")
    assert run.scores == ["test: accuracy", "test: accuracy #1", "test: map"]
    assert run.curves["test loss"].values == [2.5, 0.5, 4.0]
    assert run.curves["test: b"].values == [2.0]


def test_the_eight_charts_of_caffe(log):
    run = read_run(log)
    expected = {
        "Test accuracy  vs. Iters": ([0, 20], [0.125, 0.75]),
        "Test accuracy  vs. Seconds": ([1.5, 23.5], [0.125, 0.75]),
        "Test loss  vs. Iters": ([0, 20], [2.5, 0.5]),
        "Test loss  vs. Seconds": ([1.5, 23.5], [2.5, 0.5]),
        "Train learning rate  vs. Iters": ([0, 10, 20], [0.01, 0.005, 0.0025]),
        "Train learning rate  vs. Seconds": ([2.5, 12.5, 24.5], [0.01, 0.005, 0.0025]),
        "Train loss  vs. Iters": ([0, 10, 20, 30], [2.25, 1.5, float("nan"), 0.25]),
        "Train loss  vs. Seconds": ([2.5, 12.5, 24.5, 32.5], [2.25, 1.5, float("nan"), 0.25]),
    }
    for chart, (title, points) in enumerate(expected.items()):
        (axes,) = draw.draw_chart([run], chart).axes
        assert axes.get_title() == title
        drawn = [list(values) for values in axes.lines[0].get_data()]
        assert drawn[0] == pytest.approx(points[0], abs=1e-4)
        assert drawn[1] == pytest.approx(points[1], nan_ok=True)


def test_smoothing_is_a_running_mean():
    from caffe_lite.runs.curves import Curve, Run

    run = Run("x", {"train loss": Curve([0, 1, 2, 3], [0] * 4, [4.0, 2.0, 6.0, 1.0])})
    (axes,) = draw.draw_chart([run], 6, smooth=2).axes
    assert list(axes.lines[0].get_ydata()) == [4.0, 3.0, 4.0, 3.5]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_pictures(ending, log, tmp_path, capsys):
    out = tmp_path / f"out.{ending}"
    (tmp_path / "b.log").write_text(LOG)
    assert main(["plot", str(out), str(log.parent), str(tmp_path / "b.log"), "--log-y"]) == 0
    assert out.stat().st_size > 5000
    if ending == "svg":
        assert "learning rate" in out.read_text().replace("<!-- ", "")
    assert main(["plot", "3", str(out), str(log)]) == 0


def test_names_of_runs(tmp_path):
    from caffe_lite.runs.curves import Run

    runs = [Run(f"{tmp_path}/{name}") for name in ("a/train.log", "b/train.jsonl", "c.log")]
    assert draw.labels(runs) == ["a", "b", "c"]
    runs = [Run(f"{tmp_path}/{name}") for name in ("a/x.log", "b/x.log")]
    assert draw.labels(runs) == ["a/x", "b/x"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["8", "o.png", "train.log"],
            2,
            "chart 8 is unknown; known are 0 Test accuracy  vs. Iters",
        ),
        (["6", "o.png", "train.log", "--x", "seconds"], 2, "--x has no effect with a chart"),
        (["o.png"], 2, "give the picture to write, then at least one log"),
        (["train.log", "o.png"], 2, "train.log: pictures are written as .png, .svg, .pdf"),
        (["none/o.png", "train.log"], 2, "the folder none does not exist; make it first"),
        (["o.png", "none"], 1, "none: no such file"),
        (["o.png", "."], 1, ".: no train.jsonl or train.log here; name the log itself"),
        (["0", "o.png", "rates.log"], 1, "rates.log: no curve of test accuracy; choose another"),
        (["o.png", "bad.jsonl"], 1, "bad.jsonl:2: not an event of a training (KeyError: 'time')"),
        (["o.png", "list.jsonl"], 1, "list.jsonl:1: not an event of a training (TypeError"),
        (["o.png", "text.jsonl"], 1, "text.jsonl:1: not a line of JSON"),
        (["o.png", "start.jsonl"], 1, "start.jsonl: no losses, rates or test outputs"),
    ],
)
def test_what_is_refused(words, code, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    without_tests = [line for line in LOG.splitlines(True) if "Test" not in line]
    (tmp_path / "rates.log").write_text("".join(without_tests))
    first = json.dumps(EVENTS[0]) + "\n"
    (tmp_path / "bad.jsonl").write_text(first + '{"event": "train"}\n')
    (tmp_path / "list.jsonl").write_text("[1]\n")
    (tmp_path / "text.jsonl").write_text("text\n")
    (tmp_path / "start.jsonl").write_text(first + '{"event": "train", "ti')  # cut short
    assert main(["plot", *words]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


def test_the_extra_is_named(log, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["plot", str(tmp_path / "o.png"), str(log)]) == 1
    assert 'pip install "caffe_lite[plot]"' in capsys.readouterr().err
