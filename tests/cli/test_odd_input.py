"""Paths that are not UTF-8, names that no file can have, and code that ends the program."""

import os
import sys

import pytest

from caffe_lite.cli import main

ODD = os.fsdecode(b"odd\xff")  # as the command line gives such a name


def last_line(capsys, *argv, code=1):
    try:
        assert main(list(argv)) == code
    except SystemExit as error:
        assert error.code == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err.rstrip().splitlines()[-1]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (r"sm\000all", r'snapshot_prefix "sm\u0000all": no file name can hold a NUL character'),
        ("a" * 5000, "the file name has up to 5041 bytes, and the file system takes"),
        ("a/" * 2500 + "b", 'a/a/...": has 5001 characters, too many for a path'),
        ("gone/small", 'there is no folder "gone"; make it first (mkdir -p gone)'),
    ],
)
@pytest.mark.parametrize("interval", ["snapshot: 10", ""])
def test_prefixes_that_cannot_be_written_to(job, capsys, prefix, expected, interval):
    """They are found before training, also where only the end writes a snapshot."""
    job.change("solver.prototxt", '"small"', f'"{prefix}"')
    job.change("solver.prototxt", "snapshot: 10", interval)
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert line.startswith("caffe_lite train: error: solver.prototxt: snapshot_prefix")
    assert expected in line and len(line) < 300
    assert not list(job.path.glob("small*"))


def test_the_longest_prefix_is_written_to(job, capsys):
    prefix = "a" * (os.pathconf(job.path, "PC_NAME_MAX") - 41)
    job.change("solver.prototxt", '"small"', f'"{prefix}"')
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    job.change("solver.prototxt", prefix, prefix + "a")
    assert "bytes" in last_line(capsys, "train", "--solver", "solver.prototxt")


@pytest.mark.parametrize(
    "argv",
    [
        ("train", "--solver", ODD),
        ("train", "--solver", "solver.prototxt", "--snapshot", ODD),
        ("test", "--model", "net.prototxt", "--weights", ODD),
        ("time", "--model", ODD),
        ("summary", ODD),
        ("gradcheck", "--model", ODD),
        ("upgrade", "net", ODD, "out.prototxt"),
        ("layers", ODD),
    ],
    ids=lambda argv: " ".join(argv).replace(ODD, "ODD"),
)
def test_paths_that_are_not_utf_8(job, capsys, argv):
    assert "odd\\udcff" in last_line(capsys, *argv)


@pytest.mark.parametrize("option", [("--weights", ODD), ("--stage", ODD)], ids=["weights", "stage"])
def test_what_becomes_a_field_must_be_utf_8(job, capsys, option):
    line = last_line(capsys, "train", "--solver", "solver.prototxt", *option, code=2)
    assert f"argument {option[0]}: expected UTF-8 text, got 'odd\\udcff'" in line


def test_a_solver_whose_path_is_its_prefix(job, capsys):
    job.change("solver.prototxt", 'snapshot_prefix: "small"', "")
    name = f"{ODD}.prototxt"
    (job.path / "solver.prototxt").rename(job.path / name)
    assert "give a snapshot_prefix, or rename" in last_line(capsys, "train", "--solver", name)


def test_a_net_and_logs_in_such_places(job, capsys):
    (job.path / "net.prototxt").rename(job.path / ODD)
    assert main(["time", "--model", ODD, "--iterations", "1"]) == 0
    assert main(["summary", ODD]) == 0
    (job.path / ODD).rename(job.path / "net.prototxt")
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    arguments = ["train", "--solver", "solver.prototxt", "--log-dir", f"{ODD}_logs"]
    assert main(arguments) == 0
    assert main([*arguments, "--snapshot", ODD]) == 1
    assert "Logging error" not in capsys.readouterr().err
    assert (job.path / f"{ODD}_logs" / "train.log").read_text().count("Optimization Done.") == 2


MODULE = """
import sys
from caffe_lite.layers.base import Layer

class Ends(Layer):
    def setup(self, bottom, top): self.at("setup")
    def reshape(self, bottom, top): self.at("reshape"); top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top): self.at("forward"); top[0].data[...] = bottom[0].data
    def backward(self, top, propagate_down, bottom): self.at("backward")

    def at(self, method):
        if self.param_str == method:
            sys.exit(0)
        if self.param_str == f"{method} of two lines":
            raise ValueError("the first line\\nthe second line\\r\\n  the third\\n")
"""


@pytest.fixture
def ends(job, monkeypatch):
    """The job's net with a layer of this module; call it with the layer's param_str."""
    (job.path / "tests_ends.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(job.path))
    monkeypatch.delitem(sys.modules, "tests_ends", raising=False)

    def change(param_str):
        job.change(
            "net.prototxt",
            'layer { name: "ip2"',
            f"""layer {{ name: "py" type: "Python"
            bottom: "ip1" top: "py" python_param {{ module: "tests_ends" layer: "Ends"
            param_str: "{param_str}" }} }} layer {{ name: "ip2" """,
        )
        job.change("net.prototxt", 'bottom: "ip1" top: "ip2"', 'bottom: "py" top: "ip2"')

    return change


@pytest.mark.parametrize("method", ["setup", "reshape", "forward", "backward"])
def test_a_layer_that_ends_the_program(job, capsys, ends, method):
    ends(method)
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert line == (
        'caffe_lite train: error: layer "py" (Python): its code ended the program at '
        f"{job.path}/tests_ends.py:13: SystemExit(0); raise an error instead"
    )


def test_a_message_of_several_lines_is_one(job, capsys, ends):
    ends("forward of two lines")
    line = last_line(capsys, "train", "--solver", "solver.prototxt")
    assert 'layer "py" (Python): Ends failed at' in line
    words = ["ValueError: the first line", "the second line", "the third"]
    assert [part for part in words if part in line] == words
