"""`train --on-nan` on the command line: what is printed, written, and returned."""

import json
import re

import pytest

from caffe_lite.cli import main


@pytest.fixture
def exploding(job):
    """The weights are infinite after a few updates, behind the snapshot of iteration 4."""
    job.change("solver.prototxt", "display: 5", "display: 1")
    job.change("solver.prototxt", "snapshot: 10", "snapshot: 4")
    job.change("solver.prototxt", "stepsize: 15", "stepsize: 5")
    job.change("solver.prototxt", "gamma: 0.5", "gamma: 1e25")
    return job


def train(capsys, *options):
    code = main(["train", "--solver", "solver.prototxt", *options])
    return code, capsys.readouterr().err


def test_stop(exploding, capsys):
    code, log = train(capsys, "--log-dir", "logs")
    assert code == 1 and "Optimization Done" not in log
    last = log.splitlines()[-1]
    assert re.fullmatch(
        r"caffe_lite train: error: solver\.prototxt: iteration \d+: the loss is (nan|inf), first "
        r'in layer "ip\d" \(InnerProduct\), .*; training stopped, no snapshot is taken of it, the '
        r"last good one is small_iter_4\.solverstate",
        last,
    ), last
    (line,) = [line for line in log.splitlines() if line.startswith("E")]
    assert re.search(r"Iteration \d+: the loss is \w+; the first such value is in layer", line)
    assert "a learning rate that is too high (lr = 1e+24), no clip_gradients" in line
    assert line in (exploding.path / "logs" / "train.log").read_text()
    events = (exploding.path / "logs" / "train.jsonl").read_text().splitlines()
    (event,) = [e for e in map(json.loads, events) if e["event"] == "loss_not_finite"]
    assert event["place"] in line and event["loss"] in ("NaN", "Infinity")
    assert {path.stem for path in exploding.path.glob("small_*")} == {"small_iter_4"}


@pytest.mark.parametrize(("effect", "count"), [("warn", 1), ("ignore", 0)])
def test_go_on(exploding, capsys, effect, count):
    code, log = train(capsys, "--on-nan", effect)
    assert code == 0 and log.endswith("Optimization Done.\n")
    assert log.count("the first such value is in") == count
    saved = {path.stem for path in exploding.path.glob("small_*")}
    assert (saved == {"small_iter_4"}) == (effect == "warn")


def test_an_unknown_effect(job, capsys):
    with pytest.raises(SystemExit):
        train(capsys, "--on-nan", "panic")
    assert "argument --on-nan: invalid choice: 'panic'" in capsys.readouterr().err
