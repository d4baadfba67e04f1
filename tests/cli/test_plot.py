"""The curves of the logs that train writes."""

import pytest

from caffe_lite.cli import main
from caffe_lite.runs.curves import read_run


def test_the_logs_that_train_writes(job, capsys):
    assert main(["train", "--solver", "solver.prototxt", "--log-dir", "logs"]) == 0
    text, events = read_run("logs/train.log"), read_run("logs/train.jsonl")
    assert text.scores == events.scores == ["test: accuracy"]
    assert set(text.curves) | {"gradient norm"} == set(events.curves)
    for name, curve in text.curves.items():
        assert curve.iterations == events.curves[name].iterations
        assert curve.values == pytest.approx(events.curves[name].values, rel=1e-5)
