"""Which implementation runs on the CPU, and why the fast one does not, is never silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import caffe_lite
from caffe_lite.backend import native
from caffe_lite.cli import main, options

SOURCE = str(Path(caffe_lite.__file__).parents[1])


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "caffe_lite", *arguments],
        env={**os.environ, "PYTHONPATH": SOURCE, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture
def commands(job):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    weights = ("--weights", "small_iter_1.caffemodel")
    return {
        "train": ("--solver", "solver.prototxt"),
        "test": ("--model", "net.prototxt", *weights, "--iterations", "1"),
        "time": ("--model", "net.prototxt", "--iterations", "1"),
    }


@pytest.mark.parametrize("command", ["train", "test", "time"])
def test_numpy_and_the_reason(commands, command):
    log = run(command, *commands[command], CAFFE_LITE_NATIVE="0").stderr
    (line,) = [line for line in log.splitlines() if "CPU backend" in line]
    assert line.startswith("I") and line.endswith(
        "CPU backend: NumPy, which is slower; the native C library is not available: "
        "CAFFE_LITE_NATIVE=0 turns it off"
    )


def test_no_compiler(commands, tmp_path):
    environment = {"PATH": str(tmp_path), "CAFFE_LITE_CACHE": str(tmp_path / "cache")}
    log = run("train", *commands["train"], **environment).stderr
    if "CPU backend: native" in log:
        pytest.skip("the package holds a compiled library and needs no compiler")
    assert "CPU backend: NumPy, which is slower" in log and "compiler" in log
    shown = run("device_query", "--gpu", "none", **environment).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("Backend:")]
    assert "NumPy" in line and "compiler" in line


def test_a_reason_of_several_lines_is_one(monkeypatch):
    monkeypatch.setattr(native, "unavailable_reason", lambda dtype: "cc: error\n  a.c:3: no\n")
    assert options.cpu_backend("float32").endswith("not available: cc: error a.c:3: no")
    monkeypatch.setattr(native, "unavailable_reason", lambda dtype: None)
    assert options.cpu_backend("float32") == "native C library"
