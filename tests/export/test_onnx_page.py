"""The example of docs/to-onnx.md, run as it stands there."""

import re
import shlex
from pathlib import Path

import onnx
import pytest

from caffe_lite.cli import main
from caffe_lite.export.onnx.registry import has_translator
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.weights import write_caffemodel
from tests.export.layer_nets import random_weights

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/to-onnx.md").read_text()


def blocks(language):
    every = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for name, text in every if name == language]


def commands(net):
    """The page's commands for a net of prototxt/, and those that stand before them."""
    lines = [block.splitlines() for block in blocks("") if f"prototxt/{net}/" in block]
    return [shlex.split(line)[1:] for line in lines[0]]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prototxt").symlink_to(ROOT / "prototxt")


def test_the_digits(capsys):
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime (the extra onnx)")
    for words in commands("digits"):
        assert main(words) == 0
    out = capsys.readouterr().out
    assert "inputs: data 3x1x8x8\n7 blobs compared, all within 0.0001" in out
    program = blocks("python")[0]
    exec(compile(program, "to-onnx.md", "exec"), {})  # noqa: S102
    accuracy, shapes = capsys.readouterr().out.splitlines()
    assert float(accuracy) > 0.97
    assert program.rstrip().endswith(f"# {shapes}")


def test_the_lrcn(capsys):
    """With weights of the size at which values neither grow nor vanish; training takes minutes."""
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime (the extra onnx)")
    general, one_sequence = commands("moving_digits")
    net = Net(load.load_net(general[1]), schema.TEST, seed=0)
    random_weights(net)
    write_caffemodel(net, general[3])
    assert main(general) == 0
    assert "a second pass" in capsys.readouterr().out
    assert main(one_sequence) == 0
    nodes = {
        name: [node.op_type for node in onnx.load(name).graph.node]
        for name in ("lrcn.onnx", "lrcn_clip.onnx")
    }
    assert nodes["lrcn.onnx"][:2] == ["Sub", "Mul"] and "Scan" in nodes["lrcn.onnx"]
    assert "LSTM" in nodes["lrcn_clip.onnx"] and "Scan" not in nodes["lrcn_clip.onnx"]


def test_the_layers_without_a_translation():
    listed = re.search(r"no translation yet: ([^.]*)\.", PAGE)
    for kind in re.split(r",\s+", listed[1]):
        assert not has_translator(layer_class(kind)), kind
