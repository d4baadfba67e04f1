"""Commands on a stranger's definition: --no-python-layers, CAFFE_LITE_SAFE=1, and `summary`."""

import json
import sys

import pytest

from caffe_lite.cli import main

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "p" type: "Python" bottom: "x" top: "y"
        python_param { module: "tests_stranger" layer: "Halves" } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z"
        inner_product_param { num_output: 4 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "z" top: "loss" }
"""
MODULE = """
open("code was run", "w").close()
from caffe_lite.layers.base import Layer

class Halves(Layer):
    def setup(self, bottom, top): self.blobs.add_blob(5)
    def reshape(self, bottom, top): top[0].reshape(2, 7)
    def forward(self, bottom, top): top[0].data[...] = 0
    def backward(self, top, propagate_down, bottom): pass
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    (tmp_path / "tests_stranger.py").write_text(MODULE)
    (tmp_path / "w.caffemodel").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("tests_stranger", None)


COMMANDS = [
    ("train", "--solver", "solver.prototxt"),
    ("test", "--model", "net.prototxt", "--weights", "w.caffemodel"),
    ("time", "--model", "net.prototxt", "--iterations", "1"),
    ("gradcheck", "--model", "net.prototxt"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("by_option", [True, False])
def test_commands_refuse(folder, capsys, monkeypatch, command, by_option):
    if not by_option:
        monkeypatch.setenv("CAFFE_LITE_SAFE", "1")
    assert main([*command, *["--no-python-layers"] * by_option]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(
        f'caffe_lite {command[0]}: error: layer "p" (Python): runs code of the module '
        '"tests_stranger"; this is refused'
    )
    assert not (folder / "code was run").exists()


def test_the_option_ends_with_its_command(folder, capsys):
    assert main(["time", "--model", "net.prototxt", "--no-python-layers"]) == 1
    assert main(["time", "--model", "net.prototxt", "--iterations", "1"]) == 0
    assert (folder / "code was run").exists()


def test_summary_says_what_it_does_not_know(folder, capsys):
    assert main(["summary", "net.prototxt"]) == 0
    shown = capsys.readouterr().out
    assert not (folder / "code was run").exists()
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert rows["p"] == ["p", "Python", "y", "2x3", "?", "24", "B"]
    assert "at least 16 parameters" in shown
    assert shown.splitlines()[-1] == (
        'layer "p" was not run, as it runs code of the module "tests_stranger": its learned blobs '
        "are not known, and its tops are assumed to have the shape of its first bottom; "
        "--run-python runs it"
    )
    assert main(["summary", "net.prototxt", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["not_run"] == ["p"] and found["layers"][1]["parameters"] is None
    assert main(["summary", "net.prototxt", "--shape", "y=2,7"]) == 0
    assert "32" in capsys.readouterr().out  # 4 x 7 weights and 4 biases


def test_summary_runs_it_when_asked(folder, capsys):
    assert main(["summary", "net.prototxt", "--run-python"]) == 0
    shown = capsys.readouterr().out
    assert (folder / "code was run").exists()
    assert "y 2x7" in shown and "37 parameters" in shown and "not run" not in shown


def test_to_ask_and_to_forbid_is_wrong_usage(folder, capsys, monkeypatch):
    assert main(["summary", "net.prototxt", "--run-python", "--no-python-layers"]) == 2
    monkeypatch.setenv("CAFFE_LITE_SAFE", "1")
    assert main(["summary", "net.prototxt", "--run-python"]) == 2
    assert "forbids it" in capsys.readouterr().err


def test_summary_of_a_net_that_writes_a_file(folder, capsys):
    (folder / "out.prototxt").write_text(
        NET + 'layer { name: "out" type: "HDF5Output" bottom: "z" bottom: "z"'
        ' hdf5_output_param { file_name: "rows.h5" } }'
    )
    assert main(["summary", "out.prototxt"]) == 0
    assert "HDF5Output" in capsys.readouterr().out
    assert not (folder / "rows.h5").exists()
