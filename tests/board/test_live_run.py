"""Logs that grow, are cut, replaced or damaged; curves with fewer points."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from caffe_lite.board import live_run
from caffe_lite.board.live_run import LiveRun
from caffe_lite.board.runs import Runs
from caffe_lite.board.thin import thin
from caffe_lite.errors import UsageError
from caffe_lite.runs.curves import Curve
from tests.board.events import about, done, start, train, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a" / "train.jsonl"


def losses(run):
    return run.curves().curves["train loss"].values


def test_a_log_is_followed_line_by_line(path):
    write(path, start(), train(0, 3.0))
    run = LiveRun(path, "a")
    assert not run.advance()
    assert losses(run) == [3.0]
    line = json.dumps(train(10, 2.5)) + "\n"
    with open(path, "a") as file:
        file.write(line[:30])
        file.flush()
        run.advance()
        assert losses(run) == [3.0], "half a line was taken for an event"
        file.write(line[30:])
    run.advance()
    assert losses(run) == [3.0, 2.5]
    assert run.bad_lines == 0


def test_a_resumed_run_replaces_what_followed(path):
    write(path, start(), train(0, 3.0), train(10, 2.0), train(20, 1.0))
    run = LiveRun(path, "a")
    run.advance()
    write(path, start(), train(10, 2.2), done(), mode="a")
    run.advance()
    assert losses(run) == [3.0, 2.2]
    assert run.status().state == "done"


@pytest.mark.parametrize("how", ["cut", "replaced"])
def test_a_new_log_of_the_same_name_is_read_anew(path, how, tmp_path):
    write(path, start(), *(train(i, 9.0) for i in range(5)))
    run = LiveRun(path, "a")
    run.advance()
    if how == "cut":
        write(path, start(), train(0, 1.0))
    else:
        write(tmp_path / "new", start(), *(train(i, 1.0) for i in range(9)))
        os.replace(tmp_path / "new", path)
    run.advance()
    assert set(losses(run)) == {1.0}


def test_lines_that_are_no_events_are_counted(path):
    write(path, start(), train(0, 3.0))
    with open(path, "ab") as file:
        file.write(b'not json\n\n{"event": "train"}\n[1]\n\xff\xfe\n')
    write(path, train(5, 2.0), mode="a")
    run = LiveRun(path, "a")
    run.advance()
    assert (run.bad_lines, losses(run)) == (4, [3.0, 2.0])


def test_a_log_that_is_removed_keeps_its_curves(path):
    write(path, start(), train(0, 3.0))
    run = LiveRun(path, "a")
    run.advance()
    path.unlink()
    assert not run.advance()
    assert losses(run) == [3.0]


def test_states(path):
    here = platform.node()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    nan = {"event": "loss_not_finite", "time": 9.0, "iteration": 7, "loss": "NaN"}
    nan |= {"place": "x", "text": "log of 0"}
    for events, state in (
        ([about(process=os.getpid(), host=here), start(), train(3, 1.0)], "running"),
        ([about(process=ended.pid, host=here), start(), train(3, 1.0)], "killed"),
        ([about(process=os.getpid(), host=here), start(), nan], "NaN"),
        ([start(), train(3, 1.0)], "killed"),  # no process is known, and nothing came for long
        ([start(), done(early=True)], "stopped"),
        ([start(), done()], "done"),
    ):
        write(path, *events)
        run = LiveRun(path, "a")
        run.advance()
        assert run.status().state == state
        assert run.status().max_iter == 100
    write(path, about(process=os.getpid(), host=here), start(), nan)
    run = LiveRun(path, "a")
    run.advance()
    assert (run.status().iteration, run.status().problem) == (7, "log of 0")


def test_much_that_is_unread_is_sampled(path, monkeypatch):
    monkeypatch.setattr(live_run, "SAMPLED", 10_000)
    monkeypatch.setattr(live_run, "SAMPLES", 20)
    write(path, start(), *(train(i, 1000.0 - i) for i in range(1000)))
    run = LiveRun(path, "a")
    sample = run.curves().curves["train loss"]
    assert 20 <= len(sample.values) <= 60
    assert sample.iterations == sorted(sample.iterations)
    assert sample.values == [1000.0 - i for i in sample.iterations]
    assert sample.iterations[-1] > 900
    while run.advance():
        pass
    assert len(losses(run)) == 1000


def test_thin_curves_keep_their_peaks():
    rng = np.random.default_rng(0)
    values = rng.normal(size=10_001)
    values[1234], values[7777], values[5000] = 50, -60, np.nan
    curve = Curve(list(range(10_001)), [i / 2 for i in range(10_001)], values.tolist())
    iterations, seconds, kept = thin(curve, 100)
    assert len(kept) <= 101
    assert {1234, 7777, 10_000} <= set(iterations)
    assert iterations == sorted(set(iterations))
    assert seconds == [i / 2 for i in iterations]
    np.testing.assert_array_equal(kept, values[iterations])
    assert thin(curve, 20_000)[0] == list(range(10_001))
    assert len(thin(Curve([1, 2, 3], [0, 0, 0], [np.nan] * 3), 2)[0]) <= 3


def test_runs_are_found_below_a_folder(tmp_path):
    write(tmp_path / "b" / "c" / "train.jsonl", start())
    write(tmp_path / "train.jsonl", start())
    write(tmp_path / ".hidden" / "train.jsonl", start())
    (tmp_path / "empty").mkdir()
    runs = Runs(tmp_path)
    runs.refresh()
    assert set(runs.by_name) == {".", "b/c"}
    kept = runs.by_name["b/c"]
    write(tmp_path / "d" / "train.jsonl", start())
    (tmp_path / "train.jsonl").unlink()
    runs.refresh()
    assert set(runs.by_name) == {"b/c", "d"} and runs.by_name["b/c"] is kept
    with pytest.raises(UsageError, match="no such folder; name one that holds runs"):
        Runs(tmp_path / "nowhere")


def test_only_files_of_the_run_are_given_out(tmp_path):
    write(tmp_path / "runs" / "a" / "train.jsonl", start())
    write(tmp_path / "runs" / "b" / "train.jsonl", start())
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "runs" / "a" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "runs" / "a" / "own.png").write_bytes(b"x")
    runs = Runs(tmp_path / "runs")
    runs.refresh()
    run = runs.by_name["a"]
    assert runs.file(run, "own.png") is not None
    for name in ("link.png", "../b/train.jsonl", "../../secret.png", "/etc/passwd", "", "none.png"):
        assert runs.file(run, name) is None, name
