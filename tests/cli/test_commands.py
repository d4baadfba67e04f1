"""The other commands: test, time, summary, upgrade, gradcheck, device_query, help."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite.cli import COMMANDS, main
from caffe_lite.proto import schema, text

UPGRADES = Path(__file__).parents[1] / "proto" / "upgrade"


def output(capsys, *argv):
    assert main([str(arg) for arg in argv]) == 0
    return capsys.readouterr()


@pytest.fixture
def trained(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 10")
    output(capsys, "train", "--solver", "solver.prototxt")
    return job


def test_test_averages_outputs_over_batches(trained, capsys):
    log = output(
        capsys,
        "test",
        "-model",
        "net.prototxt",
        "-weights",
        "small_iter_10.caffemodel",
        "-iterations",
        "3",
        "--log-dir",
        "logs",
    ).err
    batches = [float(v) for v in re.findall(r"Batch \d, accuracy = ([\d.]+)", log)]
    mean = float(re.search(r"\] accuracy = ([\d.]+)", log)[1])
    assert len(batches) == 3 and abs(mean - sum(batches) / 3) < 1e-5
    loss = re.search(r"\] Loss: ([\d.]+)", log)[1]
    assert re.search(rf"\] loss = {loss} \(\* 1 = {loss} loss\)", log)
    assert "Running for 3 iterations." in log
    last = json.loads((trained.path / "logs" / "test.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "result" and abs(last["outputs"]["accuracy"][0] - mean) < 1e-5


def test_time_measures_each_layer(job, capsys):
    log = output(capsys, "time", "--model", "net.prototxt", "--iterations", "2").err
    for name in ("data", "ip1", "relu", "drop", "ip2", "loss"):
        assert re.search(rf"\] +{name}\tforward: [\d.e-]+ ms\.", log)
        assert re.search(rf"\] +{name}\tbackward: [\d.e-]+ ms\.", log)
    for line in (
        "*** Benchmark begins ***",
        "Testing for 2 iterations.",
        "Average time per layer: ",
        "*** Benchmark ends ***",
    ):
        assert line in log
    assert re.search(r"Average Forward-Backward: [\d.]+ ms\.", log)


def test_summary_counts_by_hand(job, capsys):
    table = output(capsys, "summary", "net.prototxt", "--phase", "TRAIN").out
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line}
    assert rows["ip1"] == ["ip1", "InnerProduct", "ip1", "10x12", "60", "480", "480", "B"]
    assert rows["ip2"][4:6] == [str(13 * 3), "360"]
    assert rows["relu"] == ["relu", "ReLU", "ip1", "10x12"]  # in place: no memory
    assert "99 parameters, 840 multiply-adds per forward pass" in table


def test_summary_needs_no_data_where_the_shape_is_given(job, capsys):
    (job.path / "train.txt").unlink()
    table = output(capsys, "summary", "net.prototxt", "--phase", "TRAIN").out
    assert "data 10x?" in table
    assert "? depends on data that is not there; give --shape data=N" in table
    table = output(
        capsys,
        "summary",
        "net.prototxt",
        "--phase",
        "TRAIN",
        "--shape",
        "data=7,4",
        "--shape",
        "label=7",
        "--json",
    ).out
    layers = {row["name"]: row for row in json.loads(table)["layers"]}
    assert layers["ip2"]["tops"] == {"ip2": [7, 3]} and layers["ip1"]["multiply_adds"] == 7 * 48


@pytest.mark.parametrize("name", ["v0_net", "v1_net", "inputs_net", "transform_net"])
def test_upgrade_net(tmp_path, capsys, name):
    out = tmp_path / "out.prototxt"
    output(capsys, "upgrade", "net", UPGRADES / f"{name}.prototxt", out)
    want = text.read(UPGRADES / f"{name}.upgraded.prototxt", schema.NetParameter)
    assert text.read(out, schema.NetParameter) == want


def test_upgrade_solver_and_binary_forms(tmp_path, capsys):
    out = tmp_path / "out.prototxt"
    output(capsys, "upgrade", "solver", UPGRADES / "v1_solver.prototxt", out)
    want = text.read(UPGRADES / "v1_solver.upgraded.prototxt", schema.SolverParameter)
    assert text.read(out, schema.SolverParameter) == want
    binary, again = tmp_path / "net.caffemodel", tmp_path / "again"
    output(capsys, "upgrade", "net", UPGRADES / "v1_net.prototxt", binary)
    output(capsys, "upgrade", "net", binary, again)
    assert again.read_bytes() == binary.read_bytes()


def test_gradcheck_prints_a_table(job, capsys):
    table = output(capsys, "gradcheck", "--model", "net.prototxt").out
    assert re.search(r"^ip1 +InnerProduct +bottom\[0\] +\d", table, re.M)
    assert "all gradients agree" in table
    table = output(capsys, "gradcheck", "--model", "net.prototxt", "--layer", "ip2").out
    assert "ip1 " not in table and "blobs[1]" in table


def test_gradcheck_finds_a_wrong_layer_of_the_users(job, capsys, monkeypatch):
    (job.path / "wrong_layer.py").write_text("""
import caffe_lite.pycaffe as caffe

class Twice(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top): top[0].data[...] = 2 * bottom[0].data
    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]: bottom[0].diff[...] = 2.02 * top[0].diff
""")
    monkeypatch.syspath_prepend(job.path)
    (job.path / "user.prototxt").write_text("""
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } }
        layer { name: "mine" type: "Python" bottom: "x" top: "y"
                python_param { module: "wrong_layer" layer: "Twice" } }""")
    assert main(["gradcheck", "--model", "user.prototxt"]) == 1
    table = capsys.readouterr().out
    assert re.search(r"mine +Python +bottom\[0\] +\S+ WRONG", table)
    assert "some gradients do not agree" in table


def test_device_query_names_the_processor(capsys):
    shown = output(capsys, "device_query", "--gpu", "none").out
    assert re.search(r"^Processor: +\S", shown, re.M) and re.search(r"^NumPy: +\d", shown, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "usage: caffe_lite" in capsys.readouterr().out


def test_starting_imports_no_array_library():
    """So that `import caffe_lite` and help answer at once."""
    code = (
        "import sys, caffe_lite.cli; caffe_lite.cli.build_parser(); "
        "print([m for m in ('numpy', 'google.protobuf', 'h5py', 'PIL') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_to_a_full_disk_is_one_line(job, unbuffered):
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "caffe_lite", "summary", "net.prototxt"],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (run.returncode, run.stderr) == (
        1,
        "caffe_lite summary: error: No space left on device\n",
    )


def test_letters_that_the_terminal_lacks_are_escaped(job):
    job.change("net.prototxt", 'name: "small"', 'name: "größe"')
    run = subprocess.run(
        [sys.executable, "-m", "caffe_lite", "summary", "net.prototxt"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert run.stdout.startswith(rb'net "gr\xf6\xdfe"') and run.stderr == b""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_no_error(job, unbuffered):
    run = subprocess.run(
        f"{sys.executable} -m caffe_lite summary net.prototxt | head -n 1",
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith('net "small"') and run.stderr == ""
