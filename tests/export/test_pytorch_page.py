"""The example of docs/to-pytorch.md, run as it stands there."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from caffe_lite.cli import main
from caffe_lite.importer.expressions import STEPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/to-pytorch.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands():
    lines = [line for block in blocks("") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("caffe_lite ")]


def test_the_steps_that_it_lists():
    assert set(re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE)) == set(STEPS)


def test_the_example(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "prototxt").symlink_to(ROOT / "prototxt")
    *first, last = commands()
    for words in first:
        assert main(words) == 0
    assert "gradient of ip2.bias" in capsys.readouterr().out
    shown_class, program = blocks("python")
    written = (tmp_path / "digits_net.py").read_text()
    assert all(line in written for line in shown_class.splitlines() if line.strip() != "...")
    exec(compile(program, "to-pytorch.md", "exec"), {})  # noqa: S102
    sys.modules.pop("digits_net")
    assert float(capsys.readouterr().out) > 0.97
    assert main(last) == 0
    assert "conv1/0 = conv1.weight\nconv1/1 = conv1.bias\n" in capsys.readouterr().out
    assert (tmp_path / "tuned.caffemodel").exists()
